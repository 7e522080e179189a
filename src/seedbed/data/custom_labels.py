"""The labels of a user's own Dataset: which task they pose, and how each becomes a number.

All of them are looked at before it is decided. Texts, booleans and integers are classes under the
names that they have; floats are real values.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seedbed.config.hints import did_you_mean, joined
from seedbed.config.task_names import (
    AUTO,
    BINARY,
    MULTICLASS,
    RECONSTRUCTION,
    REGRESSION,
    TaskName,
    takes_real_values,
)
from seedbed.data.target_values import NUMBERS_OF
from seedbed.data.task_choice import FEW_CLASSES, ONE_HOT, is_one_hot

Scalar = bool | int | float | str
Label = Scalar | NDArray[Any]


class LabelError(Exception):
    """A label that cannot be used.

    Args:
        message: what is wrong with it.
        index: of the label, where several were looked at.
    """

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.index = index


@dataclass(frozen=True)
class Labels:
    """What the labels tell of the training rows.

    Args:
        task: that they pose.
        classes: their names, by number; empty for real values.
        numbers: of the classes, by label.
        shape: of one target of real values.
    """

    task: TaskName
    classes: list[str]
    numbers: Mapping[Scalar, int]
    shape: tuple[int, ...]

    def encoded(self, y: Any) -> torch.Tensor:
        """The label as the loss takes it.

        Shape:
            () int64 for classes, `shape` float32 for real values

        Raises:
            LabelError: if it is none that the training rows have, or no finite number.
        """
        label = label_of(y)
        if not self.classes:
            return self._real(label)
        if isinstance(label, np.ndarray) or label not in self.numbers:
            raise LabelError(
                f"has the label {label_text(label)}, which no row of data.train has; they have "
                f"{joined(map(label_text, self.numbers))}; data.classes=[…] names classes that no "
                "training row has"
            )
        return torch.tensor(self.numbers[label])

    def _real(self, label: Label) -> torch.Tensor:
        values = np.asarray(label)
        if values.dtype.kind not in "biuf" or values.shape != self.shape:
            raise LabelError(
                f"gives y {label_text(label)}, the rows before it {_of_shape(self.shape)}"
            )
        with np.errstate(over="ignore"):
            single = values.astype(np.float32)
        if not np.isfinite(single).all():
            raise LabelError(f"gives y {label_text(label)}, which is not finite in float32")
        numbers = NUMBERS_OF.get(self.task)
        if numbers is not None and not numbers.fits(values).all():
            told = values.tolist() if self.shape else label_text(label)
            raise LabelError(f"gives y {told}, and data.task={self.task} takes {numbers.words}")
        return torch.from_numpy(single)


def as_array(tensor: torch.Tensor) -> NDArray[Any]:
    """A tensor for NumPy, which has no bfloat16."""
    plain = tensor.detach().cpu()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()


def label_of(y: Any) -> Label:
    """A label in plain Python, or an array where it is more than one number.

    Raises:
        LabelError: if it is neither a number, nor a text, nor numbers.
    """
    if isinstance(y, bool | int | float | str):
        return y
    if isinstance(y, torch.Tensor):
        y = as_array(y)
    elif not isinstance(y, np.ndarray | np.generic | list | tuple):
        raise LabelError(f"must give y as a number, a text or a tensor, got {type(y).__name__}")
    try:
        array = np.asarray(y)
    except ValueError as err:  # lists of different lengths
        raise LabelError(f"must give y as a number, a text or a tensor: {err}") from err
    if array.dtype.kind in "biuf" and array.size != 1:
        return array
    if array.dtype.kind in "biufU" and array.size == 1:
        label: Scalar = array.item()
        return label
    raise LabelError(f"must give y as a number, a text or a tensor of numbers, got {array.dtype}")


def labels_of(task: TaskName, labels: Sequence[Label], names: Sequence[str] | None) -> Labels:
    """What the labels of the training rows teach.

    Args:
        task: as the config has it; auto looks at the labels.
        labels: one or more.
        names: of the classes, in the order of their numbers; None to take the labels' own.

    Raises:
        LabelError: if they are of different kinds, or do not pose the task.
    """
    if task == RECONSTRUCTION:
        raise LabelError(
            "has a label, and data.task=reconstruction takes rows of columns; give the inputs as y "
            "and type data.task=regression"
        )
    _refuse_mixture(labels)
    first, real = labels[0], takes_real_values(task)
    if isinstance(first, np.ndarray):
        if task == AUTO and is_one_hot(np.reshape([*labels], (len(labels), -1))):
            raise LabelError(f"gives y of shape {first.shape}, and {ONE_HOT}")
        if not real and (task != AUTO or first.dtype.kind != "f"):
            raise LabelError(
                f"gives y of shape {first.shape}, and a class is one number or text; type "
                "data.task=regression if these are quantities"
            )
        return Labels(task if real else REGRESSION, [], {}, first.shape)
    if isinstance(first, str) and real:
        raise LabelError(f"gives y {label_text(first)}, and data.task={task} takes numbers")
    if real or (task == AUTO and any(type(one) is float for one in labels)):
        return Labels(task if real else REGRESSION, [], {}, ())
    for index, label in enumerate(labels):
        if isinstance(label, float) and not label.is_integer():
            raise LabelError(
                f"gives y {label:g}, and data.task={task} takes whole numbers for classes; type "
                "data.task=regression",
                index,
            )
    different = len(set(labels))
    if task == AUTO and names is None and different > max(FEW_CLASSES, len(labels) // 2):
        raise LabelError(
            f"is one of {len(labels)} rows with {different} different labels; type "
            "data.task=multiclass if they are classes, data.task=regression if they are quantities"
        )
    return _classes(task, labels, names)


def _refuse_mixture(labels: Sequence[Label]) -> None:
    first = labels[0]
    for index, label in enumerate(labels):
        is_other = isinstance(label, str) != isinstance(first, str)
        if is_other or np.shape(label) != np.shape(first):
            many = np.ndim(label) > 0 and np.ndim(label) == np.ndim(first)
            kind = "one shape, as y is not padded" if many else "one kind"
            raise LabelError(
                f"gives y {label_text(label)}, another row {label_text(first)}; all have to be of "
                f"{kind}",
                index,
            )


def _classes(task: TaskName, labels: Sequence[Any], names: Sequence[str] | None) -> Labels:
    distinct: list[Scalar] = sorted(set(labels))
    numbers = _numbered(distinct, names)
    if names is None:
        names = _own_names(distinct)
    if len(names) < 2:
        raise LabelError(
            f"has the label {label_text(distinct[0])} as all that were looked at; two classes are "
            "the least"
        )
    if task == BINARY and len(names) > 2:
        raise LabelError(
            f"is of one of {len(names)} classes ({joined(names)}), and data.task=binary takes two; "
            "type data.task=multiclass"
        )
    if task in (AUTO, BINARY):
        task = BINARY if len(names) == 2 else MULTICLASS
    return Labels(task, list(names), numbers, ())


def _own_names(distinct: Sequence[Scalar]) -> list[str]:
    if all(isinstance(one, bool) for one in distinct):
        return [str(one).lower() for one in distinct]
    return [one if isinstance(one, str) else str(int(one)) for one in distinct]


def _numbered(distinct: Sequence[Any], names: Sequence[str] | None) -> dict[Scalar, int]:
    """The number of each label: its own, its name's, or its place among those that there are."""
    in_order = {label: number for number, label in enumerate(distinct)}
    if names is None:
        return in_order
    is_text = isinstance(distinct[0], str)
    if not is_text and all(0 <= label < len(names) for label in distinct):
        return {number: number for number in range(len(names))}
    if not is_text and len(distinct) == len(names):
        return in_order
    numbers: dict[Scalar, int] = {name: number for number, name in enumerate(names)}
    if strangers := [label for label in distinct if label not in numbers]:
        raise LabelError(
            f"is of a Dataset with the labels {joined(map(label_text, strangers))}, and the "
            f"classes are {joined(names)}{did_you_mean(str(strangers[0]), names)}"
        )
    return numbers


def label_text(label: Label) -> str:
    """A label as a person would write it."""
    if isinstance(label, np.ndarray):
        return _of_shape(label.shape)
    if isinstance(label, float):
        return f"{label:g}" if math.isfinite(label) else str(label)
    return repr(label) if isinstance(label, str) else str(label)


def _of_shape(shape: Sequence[int]) -> str:
    return f"of shape {tuple(shape)}" if shape else "one number"
