"""Losses in operations that `vmap` takes as they are."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seedbed.losses.weighted import weighted_by, weights_in
from seedbed.tasks.head import TaskHead


def stackable_loss(head: TaskHead) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean loss of a batch, as `TaskHead.loss` has it.

    Under vmap torch takes cross entropy apart in Python, with targets in mind that are ignored,
    of which a run has none, and imports sympy to do so, which takes a third of a second.

    Shape:
        output (batch, outputs), y (batch, …) -> ()
    """
    loss = head.loss_function
    if head.preprocessing.weight is not None:
        return head.loss
    if is_plain_cross_entropy(loss):
        return _cross_entropy
    weight, weighted = weights_in(loss), weighted_by(loss)
    if head.weights_of_runs is not None or weight is None or weighted is None:
        return head.loss

    def of_weights(output: Tensor, y: Tensor) -> Tensor:
        return weighted(output, head.task.loss_targets(y, output, head.loss_name), weight)

    return of_weights


def is_plain_cross_entropy(loss: nn.Module) -> bool:
    """Whether it is the mean over all rows of torch's own, each of which counts as much."""
    return (
        type(loss) is nn.CrossEntropyLoss
        and loss.weight is None
        and loss.label_smoothing == 0
        and loss.reduction == "mean"
        and loss.ignore_index < 0  # no class has such a number
    )


def _cross_entropy(output: Tensor, y: Tensor) -> Tensor:
    """Over classes that come first: over a few that come last, softmax takes 20 times as long.

    Source: `torch.nn.functional.cross_entropy`, of class numbers.
    """
    told = torch.log_softmax(output.t(), dim=0).gather(0, y.reshape(1, -1))
    return -told.mean()
