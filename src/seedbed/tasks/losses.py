"""Losses in operations that `vmap` takes as they are."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seedbed.tasks.head import TaskHead

FEW_CLASSES, MANY_ROWS = 16, 32
"""From so many rows and below so many classes rows are laid along the last dimension."""

REGISTER = 16
"""Numbers of float32 that the largest registers hold."""


def stackable_loss(head: TaskHead) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean loss of a batch, as `TaskHead.loss` has it.

    Under vmap torch takes cross entropy apart in Python, with targets in mind that are ignored,
    of which a run has none, and imports sympy to do so, which takes a third of a second.

    Shape:
        output (batch, outputs), y (batch, …) -> ()
    """
    return _cross_entropy if _is_plain_cross_entropy(head.loss_function) else head.loss


def _is_plain_cross_entropy(loss: nn.Module) -> bool:
    return (
        type(loss) is nn.CrossEntropyLoss
        and loss.weight is None
        and loss.label_smoothing == 0
        and loss.reduction == "mean"
        and loss.ignore_index < 0  # no class has such a number
    )


def _cross_entropy(output: Tensor, y: Tensor) -> Tensor:
    """Source: `torch.nn.functional.cross_entropy`, of class numbers."""
    rows, classes = output.shape
    if classes < FEW_CLASSES and rows >= MANY_ROWS and rows % REGISTER == 0:
        # Along the last dimension torch fills a register with the classes of a row, and here there
        # are too few; with rows in the last dimension it takes a fifth of the time. Where rows do
        # not fill the registers, the last bit of a gradient would be another.
        told = torch.log_softmax(output.t(), dim=0).gather(0, y.reshape(1, -1))
    else:
        told = torch.log_softmax(output, dim=1).gather(1, y.reshape(-1, 1))
    return -told.mean()
