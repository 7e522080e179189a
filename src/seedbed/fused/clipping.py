"""Clipping of the gradients of a stack, of each run by its own bounds."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from seedbed.config.schema import RunConfig


class Clipping:
    """What the configs of a stack ask for: numbers are clipped first, then the norm.

    Args:
        configs: of each run.
        device: of the gradients.
    """

    def __init__(self, configs: Sequence[RunConfig], device: torch.device) -> None:
        trainers = [config.trainer for config in configs]
        self.norms = _bounds([one.gradient_clip for one in trainers], device)
        self.values = _bounds([one.gradient_clip_value for one in trainers], device)

    def __call__(self, gradient: Tensor) -> Tensor:
        """The gradients within their bounds; the same tensor where no run has any.

        Shape:
            (runs, parameters) -> (runs, parameters)
        """
        if self.values is not None:
            gradient = torch.clamp(gradient, -self.values, self.values)
        return gradient if self.norms is None else clip_gradient(gradient, self.norms)


def _bounds(each: Sequence[float | None], device: torch.device) -> Tensor | None:
    if all(one is None for one in each):
        return None
    return torch.tensor([math.inf if one is None else one for one in each], device=device)[:, None]


def clip_gradient(gradient: Tensor, largest: Tensor) -> Tensor:
    """Scales each run's whole gradient down to a norm.

    Args:
        gradient: of all parameters.
        largest: norm of each run; infinite where it is not clipped.

    Shape:
        gradient (runs, parameters), largest (runs, 1)

    Source: `torch.nn.utils.clip_grad_norm_`.
    """
    norm = gradient.norm(dim=1, keepdim=True)
    clipped: Tensor = gradient * (largest / (norm + 1e-6)).clamp(max=1)
    return clipped
