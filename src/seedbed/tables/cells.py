"""How a cell is read: text or a typed value becomes a number, a boolean or a name.

This is the only place that does it, for CSV, TSV, Parquet, JSON and arrays alike: CSV and JSON
bring text, Parquet its own types, which become the text of a CSV wherever text is asked for. How
text is written (a decimal comma, thousands marks, dates) is in a `CellForm`; `numeric` makes it
ready to be a number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.tables.arrow_values import floats, indices, texts
from seedbed.tables.dates import day_numbers
from seedbed.tables.missing_numbers import without_marks
from seedbed.tables.number_text import (
    Floats,
    TextNumbers,
    bare_numbers,
    cast_numbers,
    encoded,
    numeric,
    present,
)
from seedbed.tables.row_names import RowNames
from seedbed.tables.spellings import instant_name, number_name
from seedbed.tables.text_form import ISO, CellForm

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity|nan)$"
TRUTHS = {"true": 1.0, "false": 0.0}
BITS = {**TRUTHS, "1": 1.0, "1.0": 1.0, "0": 0.0, "0.0": 0.0}
"""How a boolean may be written in files after the training file."""


@dataclass
class Misfit(Exception):
    """A cell that is not of its column's kind.

    Args:
        row: its number, from 0.
        text: as written.
    """

    row: int
    text: str


def numbers(cells: Any, form: CellForm) -> Floats:
    """The cells as numbers; missing ones are NaN.

    Raises:
        Misfit: for the first that is none.
    """
    return without_marks(_numbers(cells, form), form)


def _numbers(cells: Any, form: CellForm) -> Floats:
    if isinstance(cells, TextNumbers):
        return cells.values
    kind = cells.type
    if form.date is not None:
        return _dates(cells, form)
    if pa.types.is_dictionary(kind):
        return _numbers(cells.cast(kind.value_type), form)
    if is_text(kind):
        values = text_numbers(cells, form)
        if values is None:
            plain = numeric(present(cells, form), form)
            raise misfit(cells, pc.invert(pc.match_substring_regex(plain, NUMBER)))
        return values
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan)
    if pa.types.is_float64(kind):
        return floats(cells)
    if pa.types.is_integer(kind):
        return floats(pc.cast(cells, pa.float64(), safe=False))
    if is_number(kind):  # by their shortest text: 0.1 in float32 is 0.1, as in a CSV
        return floats(pc.cast(pc.cast(cells, pa.string()), pa.float64()))
    raise misfit(cells, pc.is_valid(cells))


def text_numbers(cells: Any, form: CellForm) -> Floats | None:
    """The numbers of a column of text that holds nothing else, NaN for missing cells; or None.

    Most columns of a large table are such, with empty cells or without, and need no closer look.
    """
    if isinstance(cells, TextNumbers):
        return cells.values
    read = bare_numbers(cells) if form.is_plain and not form.missing else None
    if read is None:
        read = cast_numbers(numeric(present(cells, form), form))
    return None if read is None else without_marks(floats(read), form)


def truths(cells: Any, form: CellForm) -> Floats:
    """The cells as 1.0 and 0.0; missing ones are NaN.

    Raises:
        Misfit: for the first that is neither.
    """
    kind = cells.type
    if pa.types.is_boolean(kind):
        return floats(pc.cast(pc.cast(cells, pa.int8()), pa.float64()))
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan)
    written = cells if is_text(kind) else as_text(cells)
    plain = present(written, form)
    index = pc.index_in(pc.utf8_lower(plain), value_set=texts([*BITS], plain.type))
    known = np.array([*BITS.values(), np.nan])
    wrong = pc.and_(pc.is_null(index), pc.is_valid(plain))
    if pc.any(wrong).as_py():
        raise misfit(written, wrong)
    values: Floats = known[indices(index)]
    return values


def names(cells: Any, form: CellForm, marks: Sequence[str] = ()) -> RowNames:
    """The cells as names, text as it is written, in the order in which they come first.

    Integers keep all digits; other numbers are written as `number_name` does.

    Args:
        cells: an Arrow array.
        form: how they are written.
        marks: further words for a missing value.
    """
    without = {*form.marks("category"), *marks, ""}
    array = cells if _is_encoded_text(cells) else encoded(as_text(cells))
    written = [
        None if name is None or name.strip().lower() in without else name
        for name in array.dictionary.to_pylist()
    ]
    return RowNames.at(indices(array.indices), written)


def _is_encoded_text(cells: Any) -> bool:
    """Whether it is one array that holds each different text once already."""
    return (
        isinstance(cells, pa.DictionaryArray)
        and is_text(cells.type.value_type)
        and pa.types.is_int32(cells.type.index_type)
    )


def names_of_values(cells: Any, form: CellForm) -> RowNames:
    """Numbers or booleans as names, in the order in which they come first.

    Args:
        cells: an Arrow array.
        form: how they are written.
    """
    if not form.is_plain or form.thousands:
        cells = numeric(present(cells, form), form)
    as_names = names(cells, form, form.marks("number"))
    return as_names.renamed([name.strip() for name in as_names.different])


def as_text(cells: Any) -> Any:
    """The cells as a CSV would hold them."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return as_text(cells.cast(kind.value_type))
    if is_text(kind):
        return cells
    if pa.types.is_floating(kind):
        return _respelt(cells, _float_name)
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _respelt(cells, instant_name)
    return pc.cast(cells, pa.string())


def _float_name(text: str) -> str | None:
    value = float(text)
    return None if value != value else number_name(value)


def _respelt(cells: Any, spelling: Callable[[str], str | None]) -> Any:
    """The cells as text, each different one written anew."""
    array = encoded(pc.cast(cells, pa.string()))
    spelt = texts([spelling(one) for one in array.dictionary.to_pylist()], pa.string())
    return spelt.take(array.indices)


def _dates(cells: Any, form: CellForm) -> Floats:
    """The cells as day numbers; missing ones are NaN.

    Raises:
        Misfit: for the first that is no date.
    """
    if pa.types.is_decimal(cells.type):
        cells = pc.cast(cells, pa.float64())  # 20240131.00 is an integer
    array = encoded(present(as_text(cells), form))
    typed = pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type)
    days = day_numbers(array.dictionary.to_pylist(), ISO if typed else str(form.date))
    places = indices(array.indices)
    values: Floats = np.append(days, np.nan)[places]
    wrong = np.isnan(values) & (places >= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise Misfit(row, str(as_text(cells.slice(row, 1))[0].as_py()))
    return values


def misfit(cells: Any, wrong: Any) -> Misfit:
    """The first cell that is wrong.

    Args:
        cells: an Arrow array.
        wrong: which of them are, an Arrow array of booleans.
    """
    row = max(int(pc.index(wrong, value=True).as_py()), 0)
    return Misfit(row, str(as_text(cells.slice(row, 1))[0].as_py()))


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is one of text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_number(kind: Any) -> bool:
    """Whether an Arrow type is one of numbers."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def of_one_text(column: Any) -> Any:
    """A column whose text has the one form that all take."""
    return column.cast(pa.large_string()) if pa.types.is_string_view(column.type) else column
