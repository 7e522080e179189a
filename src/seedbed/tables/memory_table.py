"""Rows that a program hands in: a DataFrame, a table, a dictionary of columns, or arrays.

They are read as a Parquet file of the same rows is; arrays of more than one dimension as a .npz
file's are.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from seedbed.config.hints import counted, shortened
from seedbed.errors import DataError
from seedbed.raised import first_line
from seedbed.tables.table_file import TableFile, names_of, numbered_names, unequal_lengths

WHAT = (
    "a DataFrame of pandas or polars, a table of Arrow, a dictionary of columns, or a pair (X, y) "
    "of arrays"
)


class MemoryTable(TableFile):
    """Columns in memory.

    Args:
        columns: by name, of equal length; Arrow's, or NumPy arrays of more than one dimension.
        key: the argument that handed them in, for errors.
        origin: what they are, for errors.
    """

    def __init__(
        self, columns: Mapping[str, Any], key: str = "data", origin: str = "the table in memory"
    ) -> None:
        self.columns, self.key, self.origin = dict(columns), key, origin
        self.names = list(columns)
        if not self.names:
            raise DataError(f"{key} has no columns")
        if listed := unequal_lengths(columns):
            raise DataError(f"{key}: the columns differ in their number of rows: {listed}")

    def __len__(self) -> int:
        return len(self.columns[self.names[0]])

    def cells(self, names: Sequence[str]) -> Mapping[str, Any]:
        """The named columns."""
        return {name: self.columns[name] for name in names}

    def fingerprint(self) -> str:
        """Equal for tables of the same names, types and cells."""
        digest = sha256()
        for name, column in self.columns.items():
            digest.update(f"{name}\0".encode())
            _digest(column, digest)
        return digest.hexdigest()


def _digest(column: Any, digest: Any) -> None:
    import pyarrow as pa

    if isinstance(column, np.ndarray):
        digest.update(f"{column.dtype} {column.shape}".encode())
        digest.update(np.ascontiguousarray(column).tobytes())
        return
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    chunks = whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole]
    table = pa.table({"": pa.concat_arrays(chunks)})  # without an offset
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    digest.update(sink.getvalue())


def is_frame(rows: Any) -> bool:
    """Whether these are columns with names, of pandas, polars or Arrow."""
    return hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__dataframe__")


def table_in_memory(rows: Any, key: str = "data") -> MemoryTable:
    """Columns with names, as a table.

    Args:
        rows: a DataFrame of pandas or polars, a table of Arrow, or a dictionary of columns.
        key: the argument that handed them in, for errors.

    Raises:
        DataError: if they are none of these, or a column holds what no cell can be.
    """
    if not _has_names(rows):
        raise DataError(f"{key} must be {WHAT}, got {type(rows).__name__}")
    if isinstance(rows, Mapping):
        named = [*rows.items()]
    elif hasattr(rows, "iloc"):  # pandas, whose cells may be any objects
        named = [(name, rows.iloc[:, index]) for index, name in enumerate(rows.columns)]
    else:
        import pyarrow as pa

        table = pa.table(rows)
        named = [*zip(table.column_names, table.columns, strict=True)]
    names, columns = [column_name(name, key) for name, _ in named], [one for _, one in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{key} has the column '{twice}' more than once")
    pairs = zip(names, columns, strict=True)
    return MemoryTable({name: _column(cells, name, key) for name, cells in pairs}, key)


def pair_in_memory(
    x: Any, y: Any, target: str | Sequence[str] | None, key: str = "data"
) -> tuple[MemoryTable, list[str]]:
    """Rows and their targets as one table, and the names of the targets.

    Args:
        x: the features: columns with names, or an array; a matrix has the columns x1, x2 and on.
        y: the targets: a column, or an array.
        target: their names; those of `y` itself, or y, if None.
        key: the argument that handed them in, for errors.

    Raises:
        DataError: if they are of different lengths, or `target` does not name each column of `y`.
    """
    features = dict(table_in_memory(x, key).columns) if _has_names(x) else _of_array(x, "x", key)
    named = names_of(target)
    if _has_names(y):
        targets = dict(table_in_memory(y, key).columns)
    else:
        own = getattr(y, "name", None)
        targets = _of_array(y, own if isinstance(own, str) and own else "y", key)
    if named and len(named) != len(targets):
        raise DataError(
            f"target has {counted(len(named), 'name')}, y has {counted(len(targets), 'column')}"
        )
    targets = dict(zip(named or targets, targets.values(), strict=True))
    for name in targets:
        if name in features:
            raise DataError(f"target: '{name}' is a column of X too; type target='y'")
    lengths = [len(next(iter(one.values()), ())) for one in (features, targets)]
    if lengths[0] != lengths[1]:
        raise DataError(
            f"{key}: X has {counted(lengths[0], 'row')}, y has {lengths[1]}; they must be as many"
        )
    return MemoryTable({**features, **targets}, key), list(targets)


def _has_names(rows: Any) -> bool:
    """Whether these are columns; a column of pandas, polars or Arrow is none, though a frame."""
    is_column = type(rows).__name__ in ("Series", "ChunkedArray")
    return isinstance(rows, Mapping) or (is_frame(rows) and not is_column)


def _of_array(rows: Any, name: str, key: str) -> dict[str, Any]:
    """The columns of an array: one of a vector, as many as it has of a matrix."""
    array = _plain_array(rows, name, key)
    if array.ndim == 2:
        names = numbered_names(name, array.shape[1])
        return {one: _column(cells, one, key) for one, cells in zip(names, array.T, strict=True)}
    return {name: _column(rows if array.ndim == 1 else array, name, key)}


def _plain_array(rows: Any, name: str, key: str) -> Any:
    """The rows as an array of NumPy.

    Raises:
        DataError: if they are no array, such as lists of different lengths.
    """
    if hasattr(rows, "detach"):  # a tensor
        rows = rows.detach().cpu().numpy()
    try:
        array = np.asarray(rows)
    except (ValueError, TypeError) as err:
        raise DataError(f"{key}: '{name}' is no array: {first_line(err)}") from err
    if array.ndim == 0:
        raise DataError(f"{key}: '{name}' is a single value, not rows")
    return array


def _column(values: Any, name: Any, key: str) -> Any:
    """A column as Arrow has it; an array of more than one dimension stays one.

    Raises:
        DataError: if a cell is no number, text, boolean or moment.
    """
    import pyarrow as pa

    from seedbed.tables.cells import of_one_text

    if isinstance(values, pa.Array | pa.ChunkedArray):
        return of_one_text(values)
    if hasattr(values, "to_arrow"):  # a column of polars
        return of_one_text(values.to_arrow())
    if hasattr(values, "detach"):  # a tensor
        values = values.detach().cpu().numpy()
    if not hasattr(values, "dtype"):
        if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
            raise DataError(f"{key}: column '{name}' is {shortened(repr(values))}, not rows")
        values = list(values)
        if values and isinstance(values[0], list | tuple | np.ndarray):
            values = _plain_array(values, str(name), key)
    if isinstance(values, np.ndarray):
        if values.ndim == 0:
            raise DataError(f"{key}: column '{name}' is a single value, not rows")
        if values.ndim > 1:
            return values
        if values.dtype.kind == "S":
            values = values.astype(str)
    try:
        return of_one_text(pa.array(values, from_pandas=True))
    except (pa.ArrowException, OverflowError, ValueError, TypeError) as err:
        raise _no_cell(values, name, key, err) from err


def _no_cell(values: Any, name: Any, key: str, err: Exception) -> DataError:
    """The error of the first cell that is of another kind than the first, or of none at all."""
    import pyarrow as pa

    first: Any = None
    for row, cell in enumerate(values):
        try:
            kind = pa.array([cell], from_pandas=True).type
        except (pa.ArrowException, OverflowError, ValueError, TypeError):
            return DataError(
                f"{key}: row {row + 1} of column '{name}' holds {shortened(repr(cell))}, a "
                f"{type(cell).__name__}, which is no number, text, truth value or date"
            )
        if pa.types.is_null(kind):
            continue
        if first is not None and type(cell) is not type(first):
            return DataError(
                f"{key}: row {row + 1} of column '{name}' holds {shortened(repr(cell))}, a "
                f"{type(cell).__name__}, and rows before it hold a {type(first).__name__}; make "
                "them alike"
            )
        first = cell
    return DataError(f"{key}: column '{name}' cannot be read: {first_line(err)}")


def column_name(name: Any, key: str) -> str:
    """The name of a column as a text; pandas numbers the columns that have none.

    Args:
        name: as the rows have it.
        key: the argument that names it, for the error.

    Raises:
        DataError: if it is neither a text nor a number.
    """
    if isinstance(name, str):
        return name
    if isinstance(name, int | np.integer):
        return str(int(name))
    raise DataError(f"{key}: the name of a column must be a text, got {shortened(repr(name))}")
