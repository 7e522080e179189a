"""The losses of single rows, of which a weighted mean is made.

Everything is in operations that `vmap` takes as they are.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seedbed.losses.focal import FocalLoss, focal_losses
from seedbed.losses.poisson import PoissonLoss
from seedbed.losses.quantile import QuantileLoss, pinball
from seedbed.losses.weighted import SmoothedBCE, log_likelihoods, smoothed

OF_VALUES = (nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss, PoissonLoss)
"""The losses whose every output has a loss of its own."""


def has_losses_of_rows(loss: nn.Module) -> bool:
    """Whether `weighted_mean` takes it."""
    if type(loss) is nn.CrossEntropyLoss:
        return loss.ignore_index < 0
    others = (FocalLoss, QuantileLoss, nn.BCEWithLogitsLoss, SmoothedBCE)
    return type(loss) in (*others, *OF_VALUES)


def weighted_mean(
    loss: nn.Module, output: Tensor, target: Tensor, weight: Tensor, classes: Tensor | None
) -> Tensor:
    """The sum of the rows' losses times their weights, over that of the weights.

    Weights of rows and of classes are multiplied, as in scikit-learn. Rows of which none counts
    have the loss 0. With `reduction=sum` nothing is divided.

    Args:
        loss: see `has_losses_of_rows`.
        output: of the model.
        target: as the loss takes it.
        weight: of each row, >= 0.
        classes: weights of the classes; None for those that the loss was built with.

    Shape:
        output (batch, outputs), target (batch, …), weight (batch,), classes (classes,) -> ()
    """
    losses, counts = _losses(loss, output, target, classes)
    total = (losses * weight).sum()
    if getattr(loss, "reduction", "mean") == "sum":
        return total
    counted = weight.sum() if counts is None else (weight * counts).sum()
    return total / torch.where(counted > 0, counted, torch.ones_like(counted))


def _losses(
    loss: nn.Module, output: Tensor, target: Tensor, classes: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Of each row, and what each counts in the mean; None where all count alike."""
    if isinstance(loss, nn.CrossEntropyLoss | FocalLoss):
        weight = _either(classes, loss.weight)
        counts = None if weight is None else weight[target]
        if isinstance(loss, FocalLoss):
            losses = focal_losses(output, target, loss.gamma)
            return (losses if counts is None else losses * counts), counts
        return -log_likelihoods(output, target, weight, counts, loss.label_smoothing), counts
    if isinstance(loss, QuantileLoss):
        return pinball(output, target, loss.levels).flatten(1).mean(1), None
    if isinstance(loss, nn.BCEWithLogitsLoss):
        target = smoothed(target, getattr(loss, "label_smoothing", 0.0))
        positive = _either(classes, loss.pos_weight)
        each = functional.binary_cross_entropy_with_logits(
            output, target, reduction="none", pos_weight=positive
        )
    else:
        of_each: Any = object.__new__(type(loss))  # `copy` would take 4 µs of each step
        vars(of_each).update(vars(loss), reduction="none")
        each = of_each.forward(output, target)
    of_rows = each.flatten(1)
    summed = getattr(loss, "reduction", "mean") == "sum"
    return of_rows.sum(1) if summed else of_rows.mean(1), None


def _either(given: Tensor | None, own: Tensor | None) -> Tensor | None:
    return own if given is None else given
