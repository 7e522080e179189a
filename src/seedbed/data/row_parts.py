"""What a table's columns say of where its rows may go: their classes, groups and times."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.config.hints import shortened
from seedbed.config.schema import Split
from seedbed.data.splits import Told
from seedbed.errors import DataError
from seedbed.runs.files import printable
from seedbed.tables.row_names import RowNames
from seedbed.tables.table import Table


def told_of(split: Split, table: Table, classes: ArrayLike | None) -> Told:
    """What decides where the rows of the training file may go.

    Args:
        split: `data.split`.
        table: all rows.
        classes: of each row, or None where there are none.

    Raises:
        DataError: if a row has no group or time, or times have no order.
    """
    groups = None
    if split.by is not None:
        _, groups = np.unique(_groups(split.by, table).ranks(), return_inverse=True)
    times = None if split.time is None else _times(split.time, table)
    return Told(classes, groups, times)


def refuse_shared(split: Split, parts: Mapping[str, Table], files: Mapping[str, Table]) -> None:
    """Refuses files of their own that have a group of another part, or are not later than it.

    Args:
        split: `data.split`.
        parts: every part that there is.
        files: those of them that come from a file of their own.

    Raises:
        DataError: naming the file, and the group or the row.
    """
    names = [name for name in ("train", "validation", "test") if name in parts]
    for name in files:
        table = parts[name]
        for other in names:
            if other == name:
                continue
            if split.by is not None:
                _refuse_group(split.by, table, parts[other], other)
            if split.time is not None:
                earlier = names.index(other) < names.index(name)
                pair = (parts[other], table) if earlier else (table, parts[other])
                _refuse_earlier(split.time, *pair, *(sorted((name, other), key=names.index)))


def _refuse_group(by: str, table: Table, other: Table, part: str) -> None:
    shared = set(_groups(by, other).held()) & set((own := _groups(by, table)).held())
    if shared:
        row = next(at for at, one in enumerate(own.to_list()) if one in shared)
        name = printable(shortened(str(own.to_list()[row])))
        raise DataError(
            f"data.split.by: group '{name}' of {table.origin} (row {row + 1}) is among the {part} "
            "rows too; no group may be in two parts"
        )


def _refuse_earlier(time: str, first: Table, later: Table, part: str, next_part: str) -> None:
    times, after = _times(time, first), _times(time, later)
    if len(times) and len(after) and after.min() <= times.max():
        raise DataError(
            f"data.split.time: row {int(after.argmin()) + 1} of the {next_part} rows "
            f"({later.origin}) is not later than all {part} rows ({first.origin}) by '{time}'"
        )


def _groups(by: str, table: Table) -> RowNames:
    names = table.column(by, "data.split.by").names()
    if names.missing.any():
        raise _missing("data.split.by", by, names.missing, table)
    return names


def _times(time: str, table: Table) -> NDArray[np.float64]:
    column = table.column(time, "data.split.time")
    if column.kind == "category" or column.values.ndim > 1:
        what = "names" if column.kind == "category" else "several values a row"
        raise DataError(
            f"data.split.time: '{time}' of {table.origin} holds {what}, which have no order; name "
            f"a column of dates or numbers, or say how its dates are written: "
            f"'data.dates={{{time}: \"%d.%m.%Y\"}}'"
        )
    unknown = ~np.isfinite(column.values)
    if unknown.any():
        raise _missing("data.split.time", time, unknown, table)
    values: NDArray[np.float64] = column.values
    return values


def _missing(key: str, name: str, missing: NDArray[np.bool_], table: Table) -> DataError:
    return DataError(
        f"{key}: '{name}' of {table.origin} has no value in {int(missing.sum())} of {len(table)} "
        f"rows, the first is row {int(np.argmax(missing)) + 1}; fill them or take them out"
    )
