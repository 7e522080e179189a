"""torch's losses of classes as functions of their weights, which the runs of a stack differ in."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from seedbed.losses.focal import FocalLoss, focal_loss

Weighted = Callable[[Tensor, Tensor, Tensor], Tensor]
"""The loss of a batch from the outputs, the targets as the loss takes them, and the weights."""


class SmoothedBCE(nn.BCEWithLogitsLoss):
    """Binary cross entropy whose targets are moved towards one half.

    Args:
        label_smoothing: the part of 0 and 1 that is spread evenly over both, in [0, 1).
        pos_weight: of the rows of the second class; None counts both alike.

    Shape:
        output (…), target (…) -> ()

    Source: `label_smoothing` of `torch.nn.CrossEntropyLoss`, for two classes.
    """

    def __init__(self, label_smoothing: float, pos_weight: Tensor | None = None) -> None:
        super().__init__(pos_weight=pos_weight)
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch."""
        return super().forward(input, smoothed(target, self.label_smoothing))


def smoothed(target: Tensor, label_smoothing: float) -> Tensor:
    """Targets of 0 and 1, moved towards one half."""
    return target * (1 - label_smoothing) + label_smoothing / 2


def weights_in(loss: nn.Module) -> Tensor | None:
    """The weights of classes that a loss was built with.

    Shape:
        -> (classes,), or (outputs,) of binary cross entropy, whose other class has 1
    """
    if isinstance(loss, nn.BCEWithLogitsLoss):
        return loss.pos_weight
    weights: Tensor | None = loss.weight if isinstance(loss, weighted_classes()) else None  # type: ignore[assignment]
    return weights


def weighted_classes() -> tuple[type[nn.Module], ...]:
    """The losses whose mean over rows is weighted by classes."""
    return (nn.CrossEntropyLoss, nn.NLLLoss, FocalLoss)


def weighted_by(loss: nn.Module) -> Weighted | None:
    """What a loss computes, with whatever weights it is given; None of those that take none.

    In operations that `vmap` takes as they are.
    """
    if type(loss) is FocalLoss:
        return lambda output, y, weight: focal_loss(output, y, loss.gamma, weight)
    if type(loss) is nn.CrossEntropyLoss and loss.reduction == "mean" and loss.ignore_index < 0:
        return partial(_cross_entropy, label_smoothing=loss.label_smoothing)
    if type(loss) in (nn.BCEWithLogitsLoss, SmoothedBCE):
        smoothing = getattr(loss, "label_smoothing", 0.0)
        return partial(_binary_cross_entropy, label_smoothing=smoothing)
    return None


def _cross_entropy(
    output: Tensor, target: Tensor, weight: Tensor, label_smoothing: float
) -> Tensor:
    of_rows = weight[target]
    return -log_likelihoods(output, target, weight, of_rows, label_smoothing).sum() / of_rows.sum()


def log_likelihoods(
    output: Tensor,
    target: Tensor,
    weight: Tensor | None,
    of_rows: Tensor | None,
    label_smoothing: float,
) -> Tensor:
    """Of each row, times its weight: cross entropy is the negative of it.

    Args:
        output: of the model.
        target: class numbers.
        weight: of each class; None where all count alike.
        of_rows: those of the classes of the rows; None likewise.
        label_smoothing: as torch has it.

    Shape:
        output (batch, classes), target (batch,), weight (classes,), of_rows (batch,) -> (batch,)

    Source: `torch.nn.functional.cross_entropy`, of class numbers.
    """
    logs = torch.log_softmax(output.t(), dim=0)  # classes first, as in `stackable_loss`
    told = logs.gather(0, target.reshape(1, -1))[0]
    told = told if of_rows is None else told * of_rows
    if label_smoothing:
        spread = (logs if weight is None else logs * weight[:, None]).mean(dim=0)
        told = (1 - label_smoothing) * told + label_smoothing * spread
    return told


def _binary_cross_entropy(
    output: Tensor, target: Tensor, weight: Tensor, label_smoothing: float
) -> Tensor:
    return binary_cross_entropy_with_logits(
        output, smoothed(target, label_smoothing), pos_weight=weight
    )
