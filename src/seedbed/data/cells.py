"""How a cell is read: text or a typed value becomes a number, a truth value or a name.

This is the only place that does it, for CSV, TSV, Parquet, JSON and arrays alike: CSV and JSON
bring text, Parquet its own types, which become the text of a CSV wherever text is asked for. A
further form of text (a decimal comma, thousands marks, dates) is a field of `TextForm`, which the
run keeps in `preprocessing.json`, and a step in `_plain`, where text is made ready to be a number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from seedbed.data.spellings import instant_name, number_name
from seedbed.data.table import Kind
from seedbed.data.text_form import TextForm

Floats = NDArray[np.float64]

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity|nan)$"
TRUTHS = {"true": 1.0, "false": 0.0}
BITS = {**TRUTHS, "1": 1.0, "1.0": 1.0, "0": 0.0, "0.0": 0.0}
"""How a truth value may be written in files after the training file."""

EXACT = 2**53
"""Up to here a float holds every integer."""

LOOKED_AT = 1000
"""Rows, before all are looked at."""

MOSTLY_NUMBERS = 0.5
"""A column of text with a larger share of numbers than this is one of numbers with a slip in it."""


@dataclass
class Misfit(Exception):
    """A cell that is not of its column's kind.

    Args:
        row: its number, from 0.
        text: as written.
    """

    row: int
    text: str


def kind_of(cells: Any, text: TextForm) -> Kind | None:
    """What a column of the training file holds; None for a type that no feature can be made of.

    Columns of text are numbers if every cell is one, truth values if every cell is true or false,
    and names otherwise; missing ones are not asked.

    Args:
        cells: an Arrow array.
        text: how text is written.

    Raises:
        Misfit: with the first cell that is no number, in a column of text that is mostly numbers.
    """
    kind = cells.type
    if _is_text(kind):
        return _kind_of_text(cells, text)
    if pa.types.is_boolean(kind):
        return "boolean"
    if _is_number(kind) or pa.types.is_null(kind):
        return "number"
    if pa.types.is_dictionary(kind):
        return "category" if kind_of(pa.array([], kind.value_type), text) else None
    return "category" if pa.types.is_temporal(kind) and not pa.types.is_duration(kind) else None


def is_usable(kind: Any) -> bool:
    """Whether cells of an Arrow type can be read at all: no lists, structs, bytes or durations."""
    return kind_of(pa.array([], kind), TextForm()) is not None


def _kind_of_text(cells: Any, text: TextForm) -> Kind:
    if _cast(_trimmed(cells)) is not None:
        return "number"
    plain = _plain(cells, text)
    distinct = pc.drop_null(pc.unique(plain))
    if pc.all(
        pc.is_in(pc.utf8_lower(distinct), value_set=pa.array([*TRUTHS], distinct.type))
    ).as_py():
        return "boolean" if len(distinct) else "number"
    wrong = pc.invert(pc.match_substring_regex(plain, NUMBER))
    present = len(plain) - plain.null_count
    count = pc.sum(wrong).as_py() or 0
    if count and count >= present * (1 - MOSTLY_NUMBERS):
        return "category"
    if count:
        raise _misfit(cells, wrong)
    return "number"


def numbers(cells: Any, text: TextForm) -> Floats:
    """The cells as numbers; missing ones are NaN.

    Raises:
        Misfit: for the first that is none.
    """
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return numbers(cells.cast(kind.value_type), text)
    if _is_text(kind):
        floats = _cast(_trimmed(cells))
        plain = None if floats is not None else _plain(cells, text)
        floats = floats if plain is None else _cast(plain)
        if floats is None:
            raise _misfit(cells, pc.invert(pc.match_substring_regex(plain, NUMBER)))
        return _array(floats)
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan)
    if pa.types.is_integer(kind) or pa.types.is_float64(kind):
        return _array(pc.cast(cells, pa.float64(), safe=False))
    if _is_number(kind):  # by their shortest text: 0.1 in float32 is 0.1, as in a CSV
        return _array(pc.cast(pc.cast(cells, pa.string()), pa.float64()))
    raise _misfit(cells, pc.is_valid(cells))


def truths(cells: Any, text: TextForm) -> Floats:
    """The cells as 1.0 and 0.0; missing ones are NaN.

    Raises:
        Misfit: for the first that is neither.
    """
    kind = cells.type
    if pa.types.is_boolean(kind):
        return _array(pc.cast(pc.cast(cells, pa.int8()), pa.float64()))
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan)
    written = cells if _is_text(kind) else as_text(cells)
    plain = _plain(written, text)
    place = pc.index_in(pc.utf8_lower(plain), value_set=pa.array([*BITS], plain.type))
    known = np.array([*BITS.values(), np.nan])
    wrong = pc.and_(pc.is_null(place), pc.is_valid(plain))
    if pc.any(wrong).as_py():
        raise _misfit(written, wrong)
    values: Floats = known[np.asarray(pc.fill_null(place, len(BITS)))]
    return values


def names(cells: Any, text: TextForm, marks: Sequence[str] = ()) -> NDArray[Any]:
    """The cells as names, text as it is written; missing ones are None.

    Integers keep all digits; other numbers are written as `number_name` does.

    Args:
        cells: an Arrow array.
        text: how text is written.
        marks: further words for a missing value.

    Shape:
        (rows,) of objects
    """
    missing = {*text.marks("category"), *marks, ""}
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
        text: how text is written.
    """

    cells: Any
    text: TextForm

    def names(self) -> list[str | None]:
        """Each cell as a name; missing ones are None."""
        found = names(self.cells, self.text, self.text.marks("number"))
        return [name if name is None else name.strip() for name in found.tolist()]

    def taken(self, rows: NDArray[np.int64]) -> "Written":
        """Only these rows."""
        return Written(self.cells.take(pa.array(rows)), self.text)


def doubt(cells: Any, values: Floats, *, typed: bool) -> str | None:
    """Why a column that is read as numbers may be one of names, or None.

    Args:
        cells: an Arrow array.
        values: its numbers.
        typed: whether the file tells the type of a column, and could have said so.
    """
    if _is_text(cells.type) and typed:
        return "is text that holds numbers"
    present = values[np.isfinite(values)]
    if not len(present) or np.any(present[:LOOKED_AT] % 1) or np.any(present % 1):
        return None
    if np.abs(present).max() >= EXACT:
        return "holds integers of 16 digits or more, which lose their last digits"
    if _is_text(cells.type) and pc.any(pc.match_substring_regex(cells, r"^\s*[+-]?0\d")).as_py():
        return "holds numbers with leading zeros"
    return None


def _named(name: str | None, missing: set[str]) -> str | None:
    return None if name is None or name.strip().lower() in missing else name


def as_text(cells: Any) -> Any:
    """The cells as a CSV would hold them."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return as_text(cells.cast(kind.value_type))
    if _is_text(kind):
        return cells
    if pa.types.is_floating(kind):
        return _respelt(cells, lambda text: number_name(float(text)))
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _respelt(cells, instant_name)
    return pc.cast(cells, pa.string())


def _respelt(cells: Any, spelling: Callable[[str], str]) -> Any:
    """The cells as text, each different one written anew."""
    encoded = pc.dictionary_encode(pc.cast(cells, pa.string()))
    array = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    spelt = pa.array([spelling(one) for one in array.dictionary.to_pylist()], pa.string())
    return spelt.take(array.indices)


def _trimmed(cells: Any) -> Any:
    return pc.utf8_trim_whitespace(cells)


def _plain(cells: Any, text: TextForm) -> Any:
    """Text that is to be numbers or truth values, as Arrow reads them; missing cells are null."""
    trimmed = _trimmed(cells)
    marks = pa.array(["", *text.marks("number")], trimmed.type)
    missing = pc.is_in(pc.utf8_lower(trimmed), value_set=marks)
    return pc.if_else(missing, pa.scalar(None, trimmed.type), trimmed)


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


def _misfit(cells: Any, wrong: Any) -> Misfit:
    row = int(pc.index(wrong, value=True).as_py())
    return Misfit(max(row, 0), str(cells[max(row, 0)].as_py()))


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: Any) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))
