"""Batch normalisation over the rows of all ranks, as one process has it.

Torch's SyncBatchNorm computes on GPUs alone, and would rename the layers.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.ranks.group import Group
from seedbed.training.rank_count import looks_at_all_ranks


def layers_of(model: nn.Module) -> list[nn.Module]:
    """Those whose statistics are of the rows of all ranks."""
    return [one for one in model.modules() if looks_at_all_ranks(one)]


@contextmanager
def over_ranks(layers: Sequence[nn.Module], group: Group) -> Iterator[None]:
    """Inside, these layers look at the rows of all ranks; each rank has to call them."""

    def forward_of(layer: Any) -> Any:
        return lambda x: _normalised(layer, x, group)

    for layer in layers:
        layer.forward = forward_of(layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _normalised(layer: Any, x: Tensor, group: Group) -> Tensor:
    """What the layer gives for a share of a batch.

    Shape:
        (rows, channels, …) -> the same
    """
    if not layer.training and layer.running_mean is not None:
        plain: Tensor = type(layer).forward(layer, x)
        return plain
    layer._check_input_dim(x)
    dims = [0, *range(2, x.ndim)]
    shape = [1, -1, *[1] * (x.ndim - 2)]
    values = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    own = values.new_tensor([values.numel() // values.shape[1]])
    *sums, number = _sum(torch.cat([values.sum(dims), own]), group).split([values.shape[1], 1])
    if layer.training and number.item() <= 1:
        raise ValueError("Expected more than 1 value per channel when training")
    mean = sums[0] / number
    apart = values - mean.view(shape)
    variance = _sum(apart.square().sum(dims), group) / number
    if layer.training and layer.running_mean is not None:
        _remember(layer, mean.detach(), (variance * number / (number - 1)).detach())
    scale = (variance + layer.eps).rsqrt()
    scale = scale if layer.weight is None else scale * layer.weight
    found: Tensor = apart * scale.view(shape)
    found = found if layer.bias is None else found + layer.bias.view(shape)
    return found.to(x.dtype)


def _remember(layer: Any, mean: Tensor, variance: Tensor) -> None:
    layer.num_batches_tracked.add_(1)
    momentum = layer.momentum
    factor = 1.0 / layer.num_batches_tracked.item() if momentum is None else momentum
    layer.running_mean.lerp_(mean.to(layer.running_mean.dtype), factor)
    layer.running_var.lerp_(variance.to(layer.running_var.dtype), factor)


def _sum(own: Tensor, group: Group) -> Tensor:
    total: Tensor = _Sum.apply(own, group)  # type: ignore[no-untyped-call]
    return total


class _Sum(torch.autograd.Function):
    """The sum over ranks; what is learnt of it on any rank is learnt by the rows of all."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, group: Group) -> Tensor:
        ctx.group = group
        total = own.clone()
        group.add(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        total = gradients[0].clone()
        ctx.group.add(total)
        return total, None
