"""How the text of a run's files is written; kept in the run, so that all are read alike."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

Kind = Literal["number", "boolean", "category", "image"]
"""What the cells of a column are read as."""

MARKS = (
    *("#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>"),
    *("n/a", "na", "none", "null", "nan"),
)
"""Words for a missing value among numbers and booleans, in any case; pandas has the same ones.

Source: the default `na_values` of pandas.read_csv.
"""

ISO = "iso"
"""The form of a date that ISO 8601 has: 2024-01-31, with a time of day behind it or not."""

PLAIN_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"

SPACES = " \u00a0\u202f"
"""All of them part thousands where a space does."""


@dataclass(frozen=True)
class CellForm:
    """How the cells of one column are written.

    Args:
        missing: words for a missing value, beside the usual ones.
        decimal: the mark before the fraction of a number.
        thousands: the mark between its groups of digits, or None.
        unit: what stands before or behind every number, or None.
        date: how a date is written, as `datetime.strptime` has it, or `ISO`; None for a column of
            anything else.
        parts: of each date that become inputs, see `dates.PARTS`; none for its day number alone.
    """

    missing: Sequence[str] = ()
    decimal: str = "."
    thousands: str | None = None
    unit: str | None = None
    date: str | None = None
    parts: Sequence[str] = ()

    @cached_property
    def missing_numbers(self) -> list[float]:
        """The words for a missing value that are numbers: any cell of that value is missing."""
        if self.date is not None:
            return []
        plain = (self._plain(word.strip()) for word in self.missing)
        return [float(word) for word in plain if re.fullmatch(PLAIN_NUMBER, word)]

    def _plain(self, word: str) -> str:
        """A word read as a cell is, or as a plain number where it is none of the column's."""
        if self.thousands is not None and re.fullmatch(self.number, word):
            word = re.sub(self.grouping, "", word)
        return word.replace(self.decimal, ".")

    @property
    def is_plain(self) -> bool:
        """Whether a number that Arrow reads is that number."""
        return self.decimal == "." and self.unit is None and self.thousands != "."

    @property
    def is_bare(self) -> bool:
        """Whether Arrow reads every number, and no word but an empty cell stands for a gap."""
        return self.is_plain and self.date is None and not self.missing

    def marks(self, kind: Kind) -> Sequence[str]:
        """Words for a missing value in a column of that kind, in small letters."""
        given = [word.strip().lower() for word in self.missing]
        return given if kind == "category" else [*given, *MARKS]

    @property
    def number(self) -> str:
        """A regular expression for a number without its unit; its marks are in their places."""
        decimal, digits = re.escape(self.decimal), r"\d+"
        if self.thousands is not None:
            digits = rf"(?:\d{{1,3}}(?:{self.grouping}\d{{2,3}})*{self.grouping}\d{{3}}|\d+)"
        plain = rf"[+-]?(?:{digits}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?"
        return rf"^{plain}$|^[+-]?(?i:inf|infinity|nan)$"

    @property
    def grouping(self) -> str:
        """A regular expression for the mark between groups of digits."""
        mark = self.thousands or ""
        return f"[{SPACES}]" if mark in SPACES else re.escape(mark)


@dataclass(frozen=True)
class TextForm:
    """How text is read.

    Args:
        missing: words for a missing value in columns of every kind. `MARKS` are beside them among
            numbers and booleans, not among names, where "NA" may be Namibia. Empty cells are
            missing in any case.
        decimal: the mark before the fraction of a number.
        thousands: the mark between groups of digits, or None.
        units: by column, what stands before or behind each of its numbers.
        dates: by column, how its dates are written; see `CellForm`.
        marks: by column, words for a missing value in it alone.
        parts: by column, what of its dates becomes inputs; see `CellForm`.
    """

    missing: Sequence[str] | None = None
    decimal: str = "."
    thousands: str | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def with_dates(self, dates: Mapping[str, str]) -> "TextForm":
        """The same with the forms of further columns of dates."""
        return replace(self, dates={**self.dates, **dates}) if dates else self

    def of(self, column: str) -> CellForm:
        """How the cells of a column are written."""
        return CellForm(
            [*(self.missing or ()), *self.marks.get(column, ())],
            self.decimal,
            self.thousands,
            self.units.get(column),
            self.dates.get(column),
            self.parts.get(column, ()),
        )
