"""What is fitted on the training rows, and applied to every row after: `preprocessing.json`.

Numbers: missing ones become the training mean, then optionally
(value - mean) / standard deviation.
Names: one column of 0 and 1 for each name seen in training; a name that was not seen is 0 in all of
them, or refused (`data.unknown`). Booleans: 0 and 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import did_you_mean, joined, shortened
from seedbed.config.task_names import MULTILABEL, RECONSTRUCTION, TaskName
from seedbed.data.fitted_column import FittedColumn, Floats
from seedbed.data.input_matrix import as_float32, input_blocks, input_matrix
from seedbed.data.row_form import RowForm, as_form
from seedbed.data.target_values import (
    class_names,
    class_numbers,
    refuse_other_numbers,
    target_matrix,
)
from seedbed.errors import DataError
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.table import Column, Table
from seedbed.tables.text_form import Kind, TextForm

THRESHOLD = 0.5
"""Probability from which on a label is predicted, where nothing else is said."""

UnknownNames = Literal["zeros", "error"]


@dataclass(frozen=True)
class Preprocessing:
    """How rows become inputs, and outputs become predictions.

    Args:
        features: the columns, in the order that the model takes them.
        task: what is to be predicted: regression, binary, …
        target: names of the target columns; those of the features where these are reconstructed.
        classes: their names, by number; empty for a target of real values.
        target_mean: of each target, to undo its standardizing; None if it is left as it is.
        target_scale: the population standard deviation of each target; None likewise.
        input_shape: of one row as the model takes it.
        outputs: real values of the target of one row; 1 for classes.
        target_kinds: what each target column holds.
        text: how the text of the run's files is written.
        unknown: what names that training did not have become: zeros, or an error.
        class_counts: training rows of each class, or of each label and of all; empty where nobody
            asked, or not all were read.
        threshold: probability from which on one of several labels is predicted.
        weight: the column of the rows' weights in the loss; None where all count alike.
        form: of rows that are no single tensor of real numbers, see `RowForm.to_plain`;
            None where `input_shape` says it.
    """

    features: list[FittedColumn]
    task: TaskName
    target: list[str]
    classes: list[str]
    target_mean: list[float] | None
    target_scale: list[float] | None
    input_shape: list[int]
    outputs: int
    target_kinds: list[Kind] = field(default_factory=list)
    text: TextForm = field(default_factory=TextForm)
    unknown: UnknownNames = "zeros"
    class_counts: list[int] = field(default_factory=list)
    threshold: float = THRESHOLD
    weight: str | None = None
    form: dict[str, Any] | None = None

    @cached_property
    def row_form(self) -> RowForm:
        """Of one row as the model takes it."""
        return as_form(self.input_shape) if self.form is None else RowForm.from_plain(self.form)

    @property
    def output_names(self) -> list[str]:
        """Of the real values of a target; of an array's they are numbered."""
        if self.task == RECONSTRUCTION:
            return [name for one in self.features for name in one.input_names]
        if len(self.target) == self.outputs:
            return list(self.target)
        return [f"{self.target[0]}_{number + 1}" for number in range(self.outputs)]

    @property
    def types(self) -> ColumnTypes:
        """How every column is read, in all files of the run and those to predict."""
        kinds = {one.name: one.kind for one in self.features}
        kinds |= zip(self.target, self.target_kinds, strict=False)
        return ColumnTypes(kinds, self.text)

    def inputs(self, table: Table) -> NDArray[np.float32]:
        """The rows of `table` as the model takes them.

        Shape:
            (rows, *input_shape) float32

        Raises:
            DataError: if a column is missing, or a value does not fit (see `FittedColumn`).
        """
        return input_matrix(self.features, self._columns(table), **self._asked(table))

    def input_blocks(self, table: Table) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """As `inputs`, some rows at a time, and which these are; they last until the next."""
        return input_blocks(self.features, self._columns(table), **self._asked(table))

    def _columns(self, table: Table) -> Sequence[Column]:
        return [table.column(one.name, "data.features") for one in self.features]

    def _asked(self, table: Table) -> dict[str, Any]:
        return {"strict": self.unknown == "error", "origin": table.origin}

    def targets(self, table: Table) -> NDArray[Any]:
        """The target as the model is trained on it.

        Shape:
            (rows, outputs) float32 for real values, (rows,) int64 for classes

        Raises:
            DataError: if a value is missing or is no known class.
        """
        if self.task == RECONSTRUCTION:
            return self.inputs(table).reshape(len(table), -1)
        if not self.classes:
            values = target_matrix(table, self.target)
            refuse_other_numbers(self.task, values, table.origin)
            if self.target_scale is not None:
                values = (values - np.asarray(self.target_mean)) / np.asarray(self.target_scale)
            return as_float32(values, table.origin)
        numbers = class_numbers(table, self.target[0], self.classes)
        if (numbers < 0).any():
            raise self._unknown_class(table, numbers < 0)
        return numbers

    def _unknown_class(self, table: Table, unknown: NDArray[np.bool_]) -> DataError:
        row, more = int(np.argmax(unknown)), int(unknown.sum()) - 1
        names = class_names(table, self.target[0])
        name = str(names.name(int(names.indices[row])))
        others = f" and {more} more" if more else ""
        return DataError(
            f"data.target: class '{shortened(name)}' of {table.origin} (row {row + 1}{others}) is "
            f"not among the training rows; they have {joined(self.classes)}"
            f"{did_you_mean(name, self.classes)}"
        )

    def predictions(self, outputs: Floats) -> Floats:
        """Outputs of real values in the target's own units: undoes the standardizing."""
        if self.target_scale is None:
            return outputs
        values: Floats = outputs * np.asarray(self.target_scale) + np.asarray(self.target_mean)
        return values

    def to_json(self, *, class_counts: bool = False) -> dict[str, Any]:
        """Plain containers for `preprocessing.json`.

        Args:
            class_counts: whether the run's loss goes by them.
        """
        plain = asdict(self)
        if not class_counts:
            del plain["class_counts"]
        if self.task != MULTILABEL:
            del plain["threshold"]
        _leave_out(plain, "weight", "form")
        _leave_out(plain["text"], "marks", "parts")
        for feature in plain["features"]:
            _leave_out(feature, "parts", "decoded")
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Preprocessing":
        """The reverse of `to_json`.

        Raises:
            KeyError, TypeError: if it was not written by `to_json`.
        """
        columns = [FittedColumn(**column) for column in plain["features"]]
        text = TextForm(**plain.get("text", {}))  # runs from before it was kept have none
        return cls(**{**plain, "features": columns, "text": text})


def _leave_out(plain: dict[str, Any], *keys: str) -> None:
    """Takes those of the keys out that hold nothing."""
    for key in keys:
        if not plain[key]:
            del plain[key]
