"""How the text of a run's files is written; kept in the run, so that all are read alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from seedbed.data.table import Kind

MARKS = (
    *("#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>"),
    *("n/a", "na", "none", "null", "nan"),
)
"""Words for a missing value among numbers and truth values, in any case; pandas has the same ones.

Source: the default `na_values` of pandas.read_csv.
"""


@dataclass(frozen=True)
class TextForm:
    """How text is read.

    Args:
        missing: the words for a missing value, in columns of every kind; None for `MARKS` among
            numbers and truth values, and none among names, where "NA" may be Namibia. Empty cells
            are missing in any case.
    """

    missing: Sequence[str] | None = None

    def marks(self, kind: Kind) -> Sequence[str]:
        """Words for a missing value in a column of that kind, in small letters."""
        if self.missing is not None:
            return [word.strip().lower() for word in self.missing]
        return () if kind == "category" else MARKS
