"""Rows to predict or to measure a run on, in the forms that Python has them in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seedbed.config.hints import counted, joined
from seedbed.config.task_names import RECONSTRUCTION
from seedbed.data.images.levels import image_feature
from seedbed.data.json_rows import rows_from_json
from seedbed.data.labelled_rows import LabelledRows, labelled_rows, must_be_measurable, own_targets
from seedbed.data.new_rows import NewRows, named_images, opened_rows, rows_from_file
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.row_groups import groups_of
from seedbed.errors import DataError
from seedbed.tables.memory_table import MemoryTable, column_name, is_frame, table_in_memory

KEY, TARGETS = "rows", "targets"


def new_rows(rows: Any, preprocessing: Preprocessing) -> NewRows:
    """Model inputs.

    Args:
        rows: a list of lists or mappings, a mapping of columns, an array, or a DataFrame; for a run
            on images also a file or a folder of them.
        preprocessing: of the run.

    Raises:
        DataError: if they are none of these, or not of the run's form.
    """
    if preprocessing.form is not None:
        return rows_from_json(_one_by_one(rows), preprocessing, KEY)
    if isinstance(rows, str | Path) and image_feature(preprocessing.features) is not None:
        return rows_from_file(opened_rows(Path(rows), {}, preprocessing), preprocessing)
    if has_columns(rows):
        table = named_images(table_in_memory(rows, KEY), preprocessing)
        return rows_from_file(table, preprocessing)
    if hasattr(rows, "detach"):  # a tensor
        rows = rows.detach().cpu().numpy()
    if isinstance(rows, np.ndarray):
        return _from_array(rows, preprocessing)
    return rows_from_json(_as_json(rows), preprocessing, KEY)


def has_columns(rows: Any) -> bool:
    """Whether these are columns with names."""
    return is_frame(rows) or isinstance(rows, Mapping)


def labelled(
    rows: Any, targets: Any, by: str | int | None, preprocessing: Preprocessing
) -> LabelledRows:
    """Rows with their labels.

    Args:
        rows: as in `new_rows`.
        targets: their labels; None if `rows` has columns of them.
        by: a column of `rows`, or None.
        preprocessing: of the run.

    Raises:
        DataError: if they are none of these, or not of the run's form.
    """
    is_table = has_columns(rows) and preprocessing.form is None
    table = table_in_memory(rows, KEY) if is_table else None
    if by is not None and table is None:
        raise DataError(f"by is a column of {KEY}, which must have names then: pass a DataFrame")
    is_own = preprocessing.task == RECONSTRUCTION
    if targets is not None and is_own:
        raise DataError("targets: the run reconstructs the rows themselves; leave targets out")
    if is_own and table is None:
        return own_targets(new_rows(rows, preprocessing))
    if targets is not None:
        labels = _labels(targets, preprocessing.target)
        twice = [name for name in preprocessing.target if table and name in table.names]
        if twice:
            raise DataError(f"targets: {KEY} has the column '{twice[0]}' too; leave out targets")
    elif table is None:
        raise DataError(
            f"targets are missing: {KEY} without names of columns hold none; pass targets=[…]"
        )
    else:
        labels = table
        must_be_measurable(table, preprocessing)  # before anything is said of other columns
    groups = None
    if table is not None and by is not None:
        groups = groups_of(table, column_name(by, "by"), preprocessing, "by")
    new = (
        new_rows(rows, preprocessing)
        if table is None
        else rows_from_file(named_images(table, preprocessing), preprocessing)
    )
    return labelled_rows(new, labels, preprocessing, groups)


def _labels(targets: Any, names: Sequence[str]) -> MemoryTable:
    """The labels as a table of the run's targets."""
    if has_columns(targets) and type(targets).__name__ not in ("Series", "ChunkedArray"):
        return MemoryTable(table_in_memory(targets, TARGETS).columns, TARGETS, TARGETS)
    if len(names) > 1:
        values = targets.detach().cpu().numpy() if hasattr(targets, "detach") else targets
        array = np.array(values, dtype=object)  # its columns may be of different types
        if array.ndim != 2 or array.shape[1] != len(names):
            raise DataError(
                f"{TARGETS} must have {counted(len(names), 'value')} a row "
                f"({joined(names)}), got the shape "
                f"{array.shape}"
            )
        columns = {name: array[:, index].tolist() for index, name in enumerate(names)}
    else:
        columns = {names[0]: targets}
    return MemoryTable(table_in_memory(columns, TARGETS).columns, TARGETS, TARGETS)


def _one_by_one(rows: Any) -> Any:
    """A list of rows, which may be nested, of arrays of all of them or of such by name."""
    if isinstance(rows, Mapping):
        lengths = {str(key): len(one) for key, one in rows.items() if hasattr(one, "__len__")}
        if len(lengths) < len(rows) or len(set(lengths.values())) != 1:
            told = joined(f"{key} {length}" for key, length in lengths.items())
            raise DataError(f"{KEY}: a mapping must hold a list of all rows by name, got {told}")
        return [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    return list(rows) if hasattr(rows, "__len__") and not isinstance(rows, str) else rows


def _as_json(value: Any) -> Any:
    """Rows, or a value in one, as JSON would have them."""
    if isinstance(value, Mapping):
        return {name: _as_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _from_array(rows: np.ndarray[Any, Any], preprocessing: Preprocessing) -> NewRows:
    """A matrix has the features in its columns, in their order."""
    features = preprocessing.features
    is_array = len(features) == 1 and features[0].shape and features[0].parts is None
    if not features or rows.ndim != 2 or is_array:
        return rows_from_json(rows.tolist(), preprocessing, KEY)
    if rows.shape[1] != len(features):
        names = ", ".join(one.name for one in features)
        raise DataError(
            f"{KEY}: rows have {counted(rows.shape[1], 'value')}, the run takes "
            f"{len(features)}: {names}"
        )
    named = {one.name: rows[:, index] for index, one in enumerate(features)}
    return rows_from_file(table_in_memory(named, KEY), preprocessing)
