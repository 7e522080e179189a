"""The gradients of several batches of a stack, as one batch of all their rows has them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from seedbed.tasks.head import TaskHead
from seedbed.training.accumulation import shares

GradientOf = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""The gradients and the losses of a batch."""


def accumulated(
    gradient_of: GradientOf,
    weights: Tensor,
    head: TaskHead,
    x: Sequence[Tensor],
    y: Sequence[Tensor],
) -> tuple[Tensor, Tensor]:
    """Gradients and losses of several batches; none of one whose rows a run ignores.

    Args:
        gradient_of: the model.
        weights: of the runs, which the gradients lie like.
        head: the loss.
        x: inputs of each batch.
        y: targets of each.

    Shape:
        weights (runs, width), each x and y (runs, batch, …) -> (runs, width), (runs,)
    """
    gradients = torch.zeros_like(weights)
    losses = torch.zeros(len(weights), device=weights.device)
    for one, targets, share in zip(x, y, shares(head, y, stacked=True), strict=True):
        gradient, loss = gradient_of(one, targets)
        if isinstance(share, Tensor):
            share = share.to(loss.dtype)
            gradient = gradient.masked_fill((share == 0)[:, None], 0)
            loss = loss.masked_fill(share == 0, 0)
            gradients.addcmul_(gradient, share[:, None])
            losses.addcmul_(loss, share)
        else:
            gradients.add_(gradient, alpha=share)
            losses.add_(loss, alpha=share)
    return gradients, losses
