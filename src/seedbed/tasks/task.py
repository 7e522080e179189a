"""What a task is: the protocol that regression, binary, multiclass and outside tasks fulfil."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor

from seedbed.config.task_names import TargetKind, TaskName


class Task(Protocol):
    """How outputs of a model answer the question that a target poses.

    A loss is named by its class; one that no task lists, such as a user's own, fits every task.

    Attributes:
        name: what `data.task` says.
        target: what a row's target is.
        losses: the classes that fit, with what to type for each; `loss=auto` takes the first.
        metrics: names in `metrics.METRICS`, in the order of the history's columns.
    """

    name: TaskName
    target: TargetKind
    losses: Mapping[str, str]
    metrics: Sequence[str]

    def num_outputs(self, loss: str, size: int) -> int:
        """The number of outputs that the model gives for a row.

        Args:
            loss: its class.
            size: classes, or real values of a row's target.
        """
        ...

    def loss_targets(self, y: Tensor, output: Tensor, loss: str) -> Tensor:
        """The targets of a batch in the form that the loss takes.

        Shape:
            y (batch, …), output (batch, outputs)
        """
        ...

    def predictions(self, outputs: Tensor, loss: str) -> Tensor:
        """Real values in the form that the model is trained on, or the probability of each class.

        Shape:
            (…, outputs) -> (…, outputs) or (…, classes)
        """
        ...
