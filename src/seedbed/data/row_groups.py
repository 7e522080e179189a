"""Rows by what they have in one column, to be measured group by group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seedbed.data.preprocessing import Preprocessing
from seedbed.data.task_choice import MOST_EXACT
from seedbed.errors import DataError
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.raw_column import raw_columns
from seedbed.tables.table import Column
from seedbed.tables.table_file import TableFile
from seedbed.tables.text_form import Kind

MOST_GROUPS = 1000
"""In which rows are measured; a column of more is an id, or a quantity."""


@dataclass(frozen=True)
class Groups:
    """Rows by what they have in one column.

    Args:
        by: the name of the column.
        names: of the groups, sorted, as numbers where all are; None, the last, is a missing value.
        numbers: of the group of each row.
    """

    by: str
    names: Sequence[str | None]
    numbers: NDArray[np.int64]


def groups_of(file: TableFile, by: str, preprocessing: Preprocessing, key: str) -> Groups:
    """The groups of rows by a column, which need not be one of the run's.

    A column of numbers of the run, and one of floats, goes by its values; any other, and integers
    that lose their last digits as floats, by what is written in its cells.

    Args:
        file: with the column.
        by: its name.
        preprocessing: of the run.
        key: the argument that names it, for errors.

    Raises:
        DataError: if there is no such column, its cells hold no single value, or too many.
    """
    file.must_have(by, key)
    column = _column_of_groups(file, by, preprocessing.types)
    if column.values.ndim > 1:
        shape = column.values.shape[1:]
        raise DataError(f"{key}: '{by}' of {file.origin} has values of the shape {shape} a row")
    cells = column.names()
    names = _sorted({*cells.held()})
    if len(names) > MOST_GROUPS:
        raise DataError(
            f"{key}: '{by}' of {file.origin} has {len(names)} different values in {len(column)} "
            f"rows; at most {MOST_GROUPS} groups are measured"
        )
    numbers = {name: number for number, name in enumerate(names)}
    known = [numbers.get(name, -1) for name in cells.different]
    every = [*names, None] if cells.missing.any() else [*names]
    return Groups(by, every, np.array([*known, len(names)], dtype=np.int64)[cells.indices])


def _column_of_groups(file: TableFile, by: str, types: ColumnTypes) -> Column:
    (raw,) = raw_columns(file, [by], [], types.text)
    if raw.is_array:
        return raw.of_array()
    import pyarrow as pa

    kind: Kind = types.kinds.get(by, "category")
    if raw.form.date is not None:  # a date is not named by its days since 1970
        kind = "category"
    elif by not in types.kinds and pa.types.is_floating(raw.cells.type):
        kind = "number"
    column = raw.of_kind(kind)
    if kind == "number" and (np.abs(column.values) >= MOST_EXACT).any():
        column = replace(raw, target=True).of_kind(kind)  # keeps how they are written
    return column


def _sorted(names: set[str]) -> list[str]:
    try:
        return sorted(names, key=lambda name: (float(name), name))
    except ValueError:
        return sorted(names)
