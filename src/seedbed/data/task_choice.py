"""Which task a target poses: real values, two classes, or more."""

from collections.abc import Collection, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import in_list, shortened
from seedbed.config.task_names import (
    AUTO,
    BINARY,
    MULTICLASS,
    MULTILABEL,
    REGRESSION,
    TaskName,
    takes_real_values,
)
from seedbed.data.target_values import class_names
from seedbed.errors import DataError
from seedbed.tables.table import Table

MOST_EXACT = 2**53
"""Up to here a float64 tells integers apart."""

ONE_HOT = (
    "every row holds a single 1 among zeros, as one-hot classes do, and a class is one number or "
    "name; write the place of the 1, as numpy.argmax(y, axis=1) does, or type data.task=regression "
    "if these are quantities"
)

ARRAYS = (".npz", ".npy")
"""How files of arrays are called, whose integers are classes."""

FEW_CLASSES = 20
"""So many integers are classes, however few the rows."""


def task_of(task: TaskName, table: Table, targets: Sequence[str]) -> tuple[TaskName, list[str]]:
    """The task, and the classes in the order of their numbers (empty for real values).

    Args:
        task: as the config has it; auto looks at the target.
        table: all rows.
        targets: names of the target columns.

    Raises:
        DataError: if the target cannot be what the config says, or has one class only.
    """
    column = table.columns[targets[0]]
    if task == AUTO:
        _refuse_one_hot(table, targets)
    if takes_real_values(task):
        _refuse_named_labels(task, table, targets)
        return task, []
    if len(targets) > 1:
        if task != AUTO:
            raise DataError(f"data.task={task} takes one target, got {len(targets)}")
        return REGRESSION, []
    if task == AUTO and column.kind == "number" and not _looks_like_classes(table, targets[0]):
        return REGRESSION, []
    if column.kind == "boolean" and column.values.ndim > 1:
        raise _several(column.values, targets[0], "truth values")
    if column.kind == "number":
        _must_be_whole(table, targets[0], task)
    present = set(class_names(table, targets[0]).held())
    if table.classes:
        classes = [name for name in table.classes if name in present]
    elif column.kind == "number":
        classes = _by_value(present, targets[0], table.origin)
    elif column.kind == "boolean":
        classes = sorted(present, key=str.lower)
    else:
        classes = sorted(present)
    if len(classes) < 2:
        raise DataError(f"data.target: '{targets[0]}' has one class only, '{classes[0]}'")
    if task == BINARY and len(classes) > 2:
        raise DataError(
            f"data.task=binary: '{targets[0]}' has {len(classes)} classes; "
            "type data.task=multiclass"
        )
    if task not in (AUTO, BINARY):
        return task, classes
    return (BINARY if len(classes) == 2 else MULTICLASS), classes


def _by_value(names: Collection[str], target: str, origin: str) -> list[str]:
    """Classes that are numbers, in order.

    Raises:
        DataError: if they are dates, of which one may be written in two ways.
    """
    try:
        return sorted(names, key=Decimal)
    except InvalidOperation:
        raise DataError(
            f"data.target: '{target}' of {origin} holds dates, such as {shortened(min(names))}; "
            f"type 'data.categories=[{in_list(target)}]' if they are classes, data.task=regression "
            "if they are quantities"
        ) from None


def _refuse_named_labels(task: TaskName, table: Table, targets: Sequence[str]) -> None:
    named = [name for name in targets if table.columns[name].kind == "category"]
    if task == MULTILABEL and named:
        raise DataError(
            f"data.task=multilabel: '{named[0]}' of {table.origin} holds names; a label is a "
            "column of 0 and 1, or of true and false"
        )


def _looks_like_classes(table: Table, name: str) -> bool:
    column = table.columns[name]
    if column.whole and table.origin.endswith(ARRAYS):
        _refuse_quantities(column.values, name)
        return True
    if column.values.ndim > 1:
        return False
    different = np.unique(column.values)
    whole = (different == np.floor(different)) & (np.abs(different) <= MOST_EXACT)
    return len(different) == 2 and bool(whole.all())


def _refuse_quantities(values: NDArray[Any], name: str) -> None:
    """Refuses integers of an array that are hardly classes, and nobody says what they are."""
    if values.ndim > 1:
        raise _several(values, name, "whole numbers")
    different = len(np.unique(values))
    if different > max(FEW_CLASSES, len(values) // 2):
        raise DataError(
            f"data.target: '{name}' holds {different} different whole numbers in {len(values)} "
            "rows; type data.task=multiclass if they are classes, data.task=regression if they "
            "are quantities"
        )


def _several(values: NDArray[Any], name: str, what: str) -> DataError:
    return DataError(
        f"data.target: '{name}' holds {what} of shape {values.shape[1:]} a row, and a class is one "
        "number; type data.task=regression if they are quantities"
    )


def _refuse_one_hot(table: Table, targets: Sequence[str]) -> None:
    """Refuses classes that are written as a one among zeros, whatever the type of these."""
    columns = [table.column(name, "data.target") for name in targets]
    one_each = len(columns) == 1 and columns[0].values.ndim == 1
    if one_each or any(one.kind == "category" for one in columns):
        return
    if is_one_hot(np.concatenate([one.values.reshape(len(one), -1) for one in columns], axis=1)):
        named = ", ".join(f"'{name}'" for name in targets)
        raise DataError(f"data.target: {named}: {ONE_HOT}")


def is_one_hot(values: NDArray[Any]) -> bool:
    """Whether every row is a single one among zeros, and not all alike.

    Shape:
        (rows, numbers)
    """
    if values.shape[1] < 2 or not np.isin(values, (0, 1)).all():
        return False
    return bool((values.sum(axis=1) == 1).all()) and len(np.unique(values.argmax(axis=1))) > 1


def _must_be_whole(table: Table, name: str, task: str) -> None:
    values = table.columns[name].values
    present = values[~np.isnan(values)]
    broken = present[present != np.floor(present)]
    if values.ndim > 1 or len(broken):
        got = f"it holds {broken[0]:g}" if len(broken) else "its rows are lists"
        raise DataError(
            f"data.task={task}: '{name}' is real-valued ({got}), not classes; "
            "type data.task=regression"
        )
