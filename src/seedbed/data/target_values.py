"""The targets of a table as numbers, and as names of classes; errors name the first wrong row."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from seedbed.config.task_names import COUNTS, MULTILABEL
from seedbed.data.fitted_column import Floats
from seedbed.data.measurable import beyond_float32
from seedbed.errors import DataError
from seedbed.tables.row_names import RowNames
from seedbed.tables.spellings import KnownNames
from seedbed.tables.table import Column, Table


class _Numbers(NamedTuple):
    fits: Callable[[Floats], NDArray[np.bool_]]
    words: str


NUMBERS_OF: dict[str, _Numbers] = {
    COUNTS: _Numbers(lambda values: values >= 0, "numbers >= 0"),
    MULTILABEL: _Numbers(lambda values: (values == 0) | (values == 1), "0 and 1 alone"),
}
"""What the targets of a task may be."""


class NoTargetError(DataError):
    """Rows whose target has no value.

    Attributes:
        name: of the target.
        of_classes: whether it was to name a class.
    """

    name = ""
    of_classes = False

    @classmethod
    def of(
        cls, name: str, origin: str, missing: int, rows: int, first: str, *, of_classes: bool
    ) -> Self:
        """That a target has none.

        Args:
            name: of it.
            origin: of the rows.
            missing: how many have none.
            rows: how many there are.
            first: where the first of those is that have none.
            of_classes: whether it was to name a class.
        """
        made = cls(
            f"data.target: '{name}' of {origin} has no usable value in {missing} of {rows} rows, "
            f"the first is {first}; fill them or take them out"
        )
        made.name, made.of_classes = name, of_classes
        return made

    def without(self, table: Table) -> NDArray[np.bool_]:
        """Which rows of a table have none.

        Shape:
            (rows,)
        """
        column = table.columns[self.name]
        return column.names().missing if self.of_classes else _not_finite(column)


def real_values(table: Table, name: str) -> Floats:
    """A target of real numbers.

    Raises:
        DataError: if it holds names, or a value is missing, infinite or too large.
    """
    column = table.column(name, "data.target")
    if column.kind == "category":
        raise DataError(
            f"data.target: '{name}' of {table.origin} holds names, not numbers; type "
            "data.task=multiclass"
        )
    if not np.isfinite(column.values).all():
        _refuse_missing(table, name, _not_finite(column), of_classes=False)
    huge = beyond_float32(column.values)
    if huge.any():
        raise DataError(
            f"data.target: '{name}' of {table.origin} holds a number beyond float32, 3.4e38 (row "
            f"{int(np.argmax(huge)) + 1})"
        )
    return column.values


def target_matrix(table: Table, targets: Sequence[str]) -> Floats:
    """All targets of real numbers, side by side.

    Shape:
        (rows, outputs)

    Raises:
        DataError: as `real_values`.
    """
    columns = [real_values(table, name) for name in targets]
    return np.concatenate([column.reshape(len(column), -1) for column in columns], axis=1)


def refuse_other_numbers(task: str, values: Floats, origin: str) -> None:
    """Refuses counts below 0, and labels that are neither 0 nor 1.

    Shape:
        values (rows, outputs)

    Raises:
        DataError: naming the first row.
    """
    if task not in NUMBERS_OF:
        return
    wrong = ~NUMBERS_OF[task].fits(values)
    if wrong.any():
        row = int(np.argmax(wrong.any(axis=1)))
        raise DataError(
            f"data.target: {origin} holds {values[row][wrong[row]][0]:g} (row {row + 1}), and "
            f"data.task={task} takes {NUMBERS_OF[task].words}; type data.task=regression if they "
            "are quantities"
        )


def class_names(table: Table, name: str) -> RowNames:
    """A target of classes, as names.

    Raises:
        DataError: if a value is missing.
    """
    names = table.column(name, "data.target").names()
    if names.missing.any():
        _refuse_missing(table, name, names.missing, of_classes=True)
    return names


def class_numbers(table: Table, name: str, classes: Sequence[str]) -> NDArray[np.int64]:
    """A target of classes, as their numbers; -1 for a class that is not among them.

    Raises:
        DataError: if a value is missing.
    """
    return KnownNames(classes).indices(class_names(table, name))


def _not_finite(column: Column) -> NDArray[np.bool_]:
    """Shape: (rows,)."""
    finite: NDArray[np.bool_] = np.isfinite(column.values).reshape(len(column), -1).all(axis=1)
    return ~finite


def _refuse_missing(
    table: Table, name: str, bad: NDArray[np.bool_], *, of_classes: bool
) -> NoReturn:
    first = f"row {int(np.argmax(bad)) + 1}"
    raise NoTargetError.of(
        name, table.origin, int(bad.sum()), len(bad), first, of_classes=of_classes
    )
