"""The gradients of several batches of a stack, as one batch of all their rows has them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from seedbed.fused.flat import Named
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
    beside_of: Callable[[], Named] = dict,
) -> tuple[Tensor, Tensor, Named]:
    """Gradients and losses of several batches; none of one whose rows a run ignores.

    Args:
        gradient_of: the model.
        weights: of the runs, which the gradients lie like.
        head: the loss.
        x: inputs of each batch.
        y: targets of each.
        beside_of: what a step of the user's own gave beside the loss of the last batch.

    Shape:
        weights (runs, width), each x and y (runs, batch, …) -> (runs, width), (runs,), each (runs,)
    """
    beside: Named = {}
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
        for name, value in beside_of().items():
            own = value.masked_fill(share == 0, 0) if isinstance(share, Tensor) else value
            beside[name] = own * share + beside.get(name, 0)
    return gradients, losses, beside
