"""Text that is to be numbers: what is missing in it, and what Arrow makes of the rest."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from seedbed.tables.arrow_values import missing, texts
from seedbed.tables.text_form import CellForm

Floats = NDArray[np.float64]

MANY = 2**14
"""Cells, from which on each different one is looked at once."""

NO_NUMBER = "no number"
"""Stands for text that is none in its column's form."""


@dataclass(frozen=True)
class TextNumbers:
    """The cells of a column of plain text that are all numbers or empty, and were read as such.

    Args:
        values: missing ones are NaN.
        leading_zeros: whether one is written like 007; nobody looks where one has a fraction.
    """

    values: Floats
    leading_zeros: bool
    type: Any = field(default_factory=pa.string)

    def __len__(self) -> int:
        return len(self.values)


def encoded(cells: Any) -> Any:
    """The cells in one array, each different one held once."""
    encoded = pc.dictionary_encode(cells)
    return encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded


def present(cells: Any, form: CellForm) -> Any:
    """Text without spaces around it; missing cells of numbers or booleans are null."""
    if len(cells) > MANY:  # a large column of text mostly repeats itself
        different = encoded(cells)
        if len(different.dictionary) < MANY:
            return present(different.dictionary, form).take(different.indices)
    trimmed = pc.utf8_trim_whitespace(cells)
    marks = texts(["", *form.marks("number")], trimmed.type)
    is_missing = pc.is_in(pc.utf8_lower(trimmed), value_set=marks)
    return pc.if_else(is_missing, missing(trimmed.type), trimmed)


def numeric(plain: Any, form: CellForm) -> Any:
    """Text that is to be numbers, as Arrow reads them; what is none is left so that it is none."""
    if form.is_plain and form.thousands is None:
        return plain
    bare, none = plain, texts([NO_NUMBER], plain.type)[0]
    if form.unit is not None:
        unit = re.escape(form.unit.strip())
        bare = pc.replace_substring_regex(plain, rf"^([+-]?)\s*{unit}\s*", r"\1")
        behind = pc.replace_substring_regex(plain, rf"\s*{unit}$", "")
        bare = pc.if_else(pc.equal(bare, plain), behind, bare)
        bare = pc.if_else(pc.equal(bare, plain), none, bare)
    right = pc.match_substring_regex(bare, form.number)
    if form.thousands is not None:
        bare = pc.replace_substring_regex(bare, form.grouping, "")
    if form.decimal != ".":
        bare = pc.replace_substring(bare, form.decimal, ".")
    return pc.if_else(right, bare, none)


def bare_numbers(cells: Any) -> Any | None:
    """The numbers of text that is numbers as Arrow reads them, or empty; None of any other."""
    if (read := cast_numbers(cells)) is not None:
        return read
    trimmed = pc.utf8_trim_whitespace(cells)
    return cast_numbers(
        pc.if_else(pc.equal(trimmed, texts([""], trimmed.type)[0]), missing(trimmed.type), trimmed)
    )


def cast_numbers(plain: Any) -> Any | None:
    """The numbers in plain text, or None if a cell is none."""
    try:
        return pc.cast(plain, pa.float64())
    except pa.ArrowInvalid:
        return None
