"""What the cells of a column that the config does not name are: numbers, booleans or names."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.tables.arrow_values import texts
from seedbed.tables.cells import (
    NUMBER,
    TRUTHS,
    is_number,
    is_text,
    misfit,
)
from seedbed.tables.dates import day_number
from seedbed.tables.number_text import Floats, TextNumbers, numeric, present
from seedbed.tables.text_form import ISO, CellForm, Kind

LEADING_ZEROS = r"^\s*[+-]?0\d"

EXACT = 2**53
"""Up to here a float holds every integer."""

LOSE_DIGITS = "holds integers of 16 digits or more, which lose their last digits"

LOOKED_AT = 1000
"""Rows, before all are looked at."""

MOSTLY_NUMBERS = 0.5
"""A column of text with a larger share of numbers than this is one of numbers with a slip in it."""

FEW_DATES = 2
"""So many different dates may stand among words as names."""

MANY_DATES = 20
"""So many are none, however many rows hold words."""


def kind_of(cells: Any, form: CellForm) -> Kind | None:
    """What a column of the training file holds; None for a type that no feature can be made of.

    Columns of text are numbers if every cell is one, booleans if every cell is true or false,
    and names otherwise; missing ones are not asked.

    Args:
        cells: an Arrow array.
        form: how they are written.

    Raises:
        Misfit: with the first cell that is no number, in a column of text that is mostly numbers.
    """
    kind = cells.type
    if form.date is not None:
        return "number"
    if is_text(kind):
        return _kind_of_text(cells, form)
    if pa.types.is_boolean(kind):
        return "boolean"
    if is_number(kind) or pa.types.is_null(kind):
        return "number"
    if pa.types.is_dictionary(kind):
        return "category" if is_usable(kind.value_type) else None
    return "category" if pa.types.is_temporal(kind) and not pa.types.is_duration(kind) else None


@lru_cache
def is_usable(kind: Any) -> bool:
    """Whether cells of an Arrow type can be read at all: no lists, structs, bytes or durations."""
    if pa.types.is_dictionary(kind):
        return is_usable(kind.value_type)
    return kind_of(pa.nulls(0, kind), CellForm()) is not None


def _kind_of_text(cells: Any, form: CellForm) -> Kind:
    plain = present(cells, form)
    distinct = pc.drop_null(pc.unique(plain))
    if pc.all(pc.is_in(pc.utf8_lower(distinct), value_set=texts([*TRUTHS], distinct.type))).as_py():
        return "boolean" if len(distinct) else "number"
    plain = numeric(plain, form)
    wrong = pc.invert(pc.match_substring_regex(plain, NUMBER))
    there = len(plain) - plain.null_count
    count = pc.sum(wrong).as_py() or 0
    if not count:
        return "number"
    if form.unit is None and count >= there * (1 - MOSTLY_NUMBERS):
        return "category"
    raise misfit(cells, wrong)


def holds_dates(cells: Any, form: CellForm) -> bool:
    """Whether every cell that is there is a date as ISO 8601 has it; a date of Parquet is one.

    Raises:
        Misfit: with the first cell that is none, in a column of text that is mostly dates.
    """
    kind = cells.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return True
    if not is_text(kind):
        return False
    first = pc.drop_null(pc.unique(present(cells.slice(0, LOOKED_AT), form))).to_pylist()
    if first and not any(day_number(text, ISO) is not None for text in first):
        return False
    plain = present(cells, form)
    rows = rows_of_each(plain)
    right = {text: count for text, count in rows.items() if day_number(text, ISO) is not None}
    wrong = [text for text in rows if text not in right]
    if wrong and mostly_dates(right, rows):
        raise misfit(cells, pc.equal(plain, pa.scalar(wrong[0], plain.type)))
    return bool(rows) and not wrong


def rows_of_each(plain: Any) -> dict[str, int]:
    """How many rows hold each text, in the order that they come in; missing ones are not asked."""
    counts = pc.value_counts(pc.drop_null(plain))
    texts, rows = counts.field("values").to_pylist(), counts.field("counts").to_pylist()
    return dict(zip(texts, rows, strict=True))


def mostly_dates(dates: Mapping[str, int], texts: Mapping[str, int]) -> bool:
    """Whether a column is one of dates with slips in it, and not one of names.

    Args:
        dates: the texts that are dates, with their rows.
        texts: all texts, with their rows.
    """
    others = len(texts) - len(dates)
    most_rows = 2 * sum(dates.values()) > sum(texts.values())
    return (len(dates) > FEW_DATES and most_rows) or len(dates) > max(MANY_DATES, others)


def doubt(cells: Any, values: Floats, *, typed: bool) -> str | None:
    """Why a column that is read as numbers may be one of names, or None.

    Args:
        cells: an Arrow array.
        values: its numbers.
        typed: whether the file has types for its columns.
    """
    if is_text(cells.type) and typed:
        return "is text that holds numbers"
    present = values[np.isfinite(values)]
    if not len(present) or np.any(present[:LOOKED_AT] % 1) or np.any(present % 1):
        return None
    if np.abs(present).max() >= EXACT:
        return LOSE_DIGITS
    return "holds numbers with leading zeros" if leading_zeros(cells) else None


def leading_zeros(cells: Any) -> bool:
    """Whether one is a number such as 007."""
    if isinstance(cells, TextNumbers):
        return cells.leading_zeros
    return is_text(cells.type) and bool(
        pc.any(pc.match_substring_regex(cells, LEADING_ZEROS)).as_py()
    )
