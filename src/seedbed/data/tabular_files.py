"""CSV and Parquet, read by Arrow: strict about ragged lines, encodings and types."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from seedbed.data.table import Column, Table
from seedbed.errors import DataError

MOSTLY_NUMBERS = 0.5
"""A text column with a larger share of numbers than this is one of numbers with a slip in it."""


def csv_table(
    path: Path, key: str, delimiter: str | None, encoding: str, categories: Sequence[str]
) -> Table:
    """A table from a text file with a header line.

    Raises:
        DataError: if a line has too many or too few cells, the text is not in `encoding`, or a
            column of numbers holds a word.
    """
    separator = delimiter or ("\t" if path.suffix.lower() in (".tsv", ".tab") else ",")
    read = partial(
        pa.csv.read_csv,
        path,
        parse_options=pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            strings_can_be_null=True, column_types=dict.fromkeys(categories, pa.string())
        ),
    )
    try:
        try:
            arrow = read(read_options=pa.csv.ReadOptions(encoding=encoding))
        except pa.ArrowInvalid:  # one thread can tell the line
            arrow = read(read_options=pa.csv.ReadOptions(encoding=encoding, use_threads=False))
        if any(pa.types.is_binary(kind) for kind in arrow.schema.types):
            raise DataError(_csv_problem(path, key, encoding, "not UTF8"))
        _refuse_other_delimiter(arrow.column_names, path, key)
        return _table(arrow, path, key, categories)
    except LookupError as err:
        raise DataError(f"data.encoding: no encoding '{encoding}'; utf-8 and latin-1 are") from err
    except (pa.ArrowInvalid, UnicodeError) as err:
        raise DataError(_csv_problem(path, key, encoding, str(err))) from err


def parquet_table(path: Path, key: str, categories: Sequence[str]) -> Table:
    """A table from a Parquet file.

    Raises:
        DataError: if the file is damaged.
    """
    try:
        arrow = pa.parquet.read_table(path)
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{key}: '{path}' is not a Parquet file: {_first_line(err)}") from err
    return _table(arrow, path, key, categories)


def _csv_problem(path: Path, key: str, encoding: str, reason: str) -> str:
    if "UTF8" in reason or "utf-8" in reason or "codec can't decode" in reason or "BOM" in reason:
        return f"{key}: '{path}' is not {encoding} text; type data.encoding=latin-1 if that is it"
    if "Empty CSV" in reason:
        return f"{key}: '{path}' is empty"
    if ragged := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+): (.{0,60})", reason):
        line, columns, cells, text = ragged.groups()
        return f"{key}: line {line} of '{path}' has {cells} cells, the header {columns}: {text}"
    return f"{key}: '{path}': {reason.splitlines()[0].removeprefix('CSV parse error: ')}"


def _refuse_other_delimiter(names: Sequence[str], path: Path, key: str) -> None:
    """Refuses a table that became one column because its cells are separated otherwise."""
    other = next((mark for mark in ";|," if mark in names[0]), None)
    if len(names) == 1 and other is not None:
        raise DataError(
            f"{key}: '{path}' has one column, '{names[0]}'; if '{other}' separates its cells, "
            f"type 'data.delimiter=\"{other}\"'"
        )


def _table(arrow: Any, path: Path, key: str, categories: Sequence[str]) -> Table:
    names = arrow.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{key}: '{path}' has the column '{twice[0]}' more than once")
    columns = {name: _column(arrow.column(name), name, path, name in categories) for name in names}
    return Table(columns, path.name)


def _column(values: Any, name: str, path: Path, named_category: bool) -> Column:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_boolean(kind):
        return Column("boolean", _floats(values.cast(pa.int8())))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = Column("number", _floats(values), whole=pa.types.is_integer(kind))
        return column.as_category() if named_category else column
    if pa.types.is_null(kind):
        return Column("number", np.full(len(values), np.nan))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = np.array(values.to_pylist(), dtype=object)
        if not named_category:
            _refuse_slip(texts, name, path)
        return Column("category", texts)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return Column("category", np.array(values.cast(pa.string()).to_pylist(), dtype=object))
    raise DataError(f"'{path}': column '{name}' holds {kind}, which no feature can be made of")


def _floats(values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    floats = pc.cast(values, pa.float64(), safe=False)
    return np.asarray(floats.to_numpy(), dtype=np.float64)


def _refuse_slip(texts: np.ndarray[Any, Any], name: str, path: Path) -> None:
    """Refuses a column of numbers in which a few cells hold something else."""
    wrong = [
        (index, text)
        for index, text in enumerate(texts)
        if text is not None and not _is_number(text)
    ]
    present = sum(text is not None for text in texts)
    if present and len(wrong) < present * (1 - MOSTLY_NUMBERS):
        index, text = wrong[0]
        raise DataError(
            f"'{path}': column '{name}' holds numbers, but row {index + 1} (line {index + 2}) "
            f"holds '{text}'; mend it, or type 'data.categories=[{name}]' if they are names"
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_line(err: Exception) -> str:
    return str(err).splitlines()[0] if str(err) else type(err).__name__
