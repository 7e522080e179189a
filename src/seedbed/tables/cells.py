"""How a cell is read: text or a typed value becomes a number, a truth value or a name.

This is the only place that does it, for CSV, TSV, Parquet, JSON and arrays alike: CSV and JSON
bring text, Parquet its own types, which become the text of a CSV wherever text is asked for. How
text is written (a decimal comma, thousands marks, dates) is told by a `CellForm`; `_numeric` makes
it ready to be a number.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from seedbed.tables.dates import day_numbers
from seedbed.tables.spellings import instant_name, number_name
from seedbed.tables.text_form import ISO, CellForm

Floats = NDArray[np.float64]

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity|nan)$"
TRUTHS = {"true": 1.0, "false": 0.0}
BITS = {**TRUTHS, "1": 1.0, "1.0": 1.0, "0": 0.0, "0.0": 0.0}
"""How a truth value may be written in files after the training file."""

NO_NUMBER = "no number"
"""Stands for text that is none in its column's form."""


@dataclass
class Misfit(Exception):
    """A cell that is not of its column's kind.

    Args:
        row: its number, from 0.
        text: as written.
    """

    row: int
    text: str


def plain_numbers(cells: Any, form: CellForm) -> Floats | None:
    """The numbers of a column of text that holds nothing else; None for any other column.

    Most columns of a large table are such, and need no closer look.
    """
    if not is_text(cells.type) or not form.is_plain or form.date is not None:
        return None
    floats = _cast(_trimmed(cells))
    floats = _cast(present(cells, form)) if floats is None else floats
    return None if floats is None else _array(floats)


def numbers(cells: Any, form: CellForm) -> Floats:
    """The cells as numbers; missing ones are NaN.

    Raises:
        Misfit: for the first that is none.
    """
    kind = cells.type
    if form.date is not None:
        return _dates(cells, form)
    if pa.types.is_dictionary(kind):
        return numbers(cells.cast(kind.value_type), form)
    if is_text(kind):
        floats = _cast(_trimmed(cells)) if form.is_plain else None
        plain = None if floats is not None else numeric(present(cells, form), form)
        floats = floats if plain is None else _cast(plain)
        if floats is None:
            raise misfit(cells, pc.invert(pc.match_substring_regex(plain, NUMBER)))
        return _array(floats)
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan)
    if pa.types.is_integer(kind) or pa.types.is_float64(kind):
        return _array(pc.cast(cells, pa.float64(), safe=False))
    if is_number(kind):  # by their shortest text: 0.1 in float32 is 0.1, as in a CSV
        return _array(pc.cast(pc.cast(cells, pa.string()), pa.float64()))
    raise misfit(cells, pc.is_valid(cells))


def truths(cells: Any, form: CellForm) -> Floats:
    """The cells as 1.0 and 0.0; missing ones are NaN.

    Raises:
        Misfit: for the first that is neither.
    """
    kind = cells.type
    if pa.types.is_boolean(kind):
        return _array(pc.cast(pc.cast(cells, pa.int8()), pa.float64()))
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan)
    written = cells if is_text(kind) else as_text(cells)
    plain = present(written, form)
    place = pc.index_in(pc.utf8_lower(plain), value_set=pa.array([*BITS], plain.type))
    known = np.array([*BITS.values(), np.nan])
    wrong = pc.and_(pc.is_null(place), pc.is_valid(plain))
    if pc.any(wrong).as_py():
        raise misfit(written, wrong)
    values: Floats = known[np.asarray(pc.fill_null(place, len(BITS)))]
    return values


def names(cells: Any, form: CellForm, marks: Sequence[str] = ()) -> NDArray[Any]:
    """The cells as names, text as it is written; missing ones are None.

    Integers keep all digits; other numbers are written as `number_name` does.

    Args:
        cells: an Arrow array.
        form: how they are written.
        marks: further words for a missing value.

    Shape:
        (rows,) of objects
    """
    missing = {*form.marks("category"), *marks, ""}
    encoded = pc.dictionary_encode(as_text(cells))
    chunks = encoded.chunks if isinstance(encoded, pa.ChunkedArray) else [encoded]
    found = []
    for chunk in chunks:
        written = [_named(name, missing) for name in chunk.dictionary.to_pylist()]
        values = np.array([*written, None], dtype=object)
        found.append(values[np.asarray(chunk.indices.fill_null(len(written)))])
    return np.concatenate(found) if found else np.array([], dtype=object)


@dataclass(frozen=True)
class Written:
    """How the cells of numbers or truth values are written, for a target that names classes.

    Args:
        cells: an Arrow array.
        form: how they are written.
    """

    cells: Any
    form: CellForm

    def names(self) -> list[str | None]:
        """Each cell as a name; missing ones are None."""
        cells = self.cells
        if not self.form.is_plain or self.form.thousands:
            cells = numeric(present(cells, self.form), self.form)
        found = names(cells, self.form, self.form.marks("number"))
        return [name if name is None else name.strip() for name in found.tolist()]

    def taken(self, rows: NDArray[np.int64]) -> "Written":
        """Only these rows."""
        return Written(self.cells.take(pa.array(rows)), self.form)


def _named(name: str | None, missing: set[str]) -> str | None:
    return None if name is None or name.strip().lower() in missing else name


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
    encoded = pc.dictionary_encode(pc.cast(cells, pa.string()))
    array = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    spelt = pa.array([spelling(one) for one in array.dictionary.to_pylist()], pa.string())
    return spelt.take(array.indices)


def _trimmed(cells: Any) -> Any:
    return pc.utf8_trim_whitespace(cells)


def _dates(cells: Any, form: CellForm) -> Floats:
    """The cells as day numbers; missing ones are NaN.

    Raises:
        Misfit: for the first that is no date.
    """
    if pa.types.is_decimal(cells.type):
        cells = pc.cast(cells, pa.float64())  # 20240131.00 is a whole number
    encoded = pc.dictionary_encode(present(as_text(cells), form))
    array = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    typed = pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type)
    days = day_numbers(array.dictionary.to_pylist(), ISO if typed else str(form.date))
    places = np.asarray(pc.fill_null(array.indices, len(days)))
    values: Floats = np.append(days, np.nan)[places]
    wrong = np.isnan(values) & (places < len(days))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise Misfit(row, str(as_text(cells.slice(row, 1))[0].as_py()))
    return values


def present(cells: Any, form: CellForm) -> Any:
    """Text without spaces around it; missing cells of numbers or truth values are null."""
    trimmed = _trimmed(cells)
    marks = pa.array(["", *form.marks("number")], trimmed.type)
    missing = pc.is_in(pc.utf8_lower(trimmed), value_set=marks)
    return pc.if_else(missing, pa.scalar(None, trimmed.type), trimmed)


def numeric(plain: Any, form: CellForm) -> Any:
    """Text that is to be numbers, as Arrow reads them; what is none is left so that it is none."""
    if form.is_plain and form.thousands is None:
        return plain
    bare = plain
    if form.unit is not None:
        unit = re.escape(form.unit.strip())
        bare = pc.replace_substring_regex(plain, rf"^([+-]?)\s*{unit}\s*", r"\1")
        behind = pc.replace_substring_regex(plain, rf"\s*{unit}$", "")
        bare = pc.if_else(pc.equal(bare, plain), behind, bare)
        bare = pc.if_else(pc.equal(bare, plain), NO_NUMBER, bare)
    right = pc.match_substring_regex(bare, form.number)
    if form.thousands is not None:
        bare = pc.replace_substring_regex(bare, form.grouping, "")
    if form.decimal != ".":
        bare = pc.replace_substring(bare, form.decimal, ".")
    return pc.if_else(right, bare, NO_NUMBER)


def _cast(plain: Any) -> Any | None:
    """The numbers in plain text, or None if a cell is none."""
    try:
        return pc.cast(plain, pa.float64())
    except pa.ArrowInvalid:
        return None


def _array(floats: Any) -> Floats:
    return np.asarray(floats.to_numpy(zero_copy_only=False) if _is_array(floats) else floats)


def _is_array(cells: Any) -> bool:
    return isinstance(cells, pa.Array)


def misfit(cells: Any, wrong: Any) -> Misfit:
    """The first cell that is wrong.

    Args:
        cells: an Arrow array.
        wrong: which of them are, an Arrow array of truth values.
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
