"""Lion: steps of one length, in the direction that the mean of the gradients has."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class Lion(Optimizer):
    """Moves each parameter by the rate, against the sign of what its gradients are on average.

    Its rates are 3 to 10 times smaller than Adam's, and its weight decay as many times larger. A
    parameter whose gradient has been zero from the start stays where it is.

    Args:
        params: parameters, or groups of them.
        lr: length of a step, >= 0.
        betas: part of the mean that is left in the direction, and in the mean itself; in [0, 1).
        weight_decay: part of the rate by which a step shrinks the weights, >= 0.
        maximize: goes up instead of down.

    Raises:
        ValueError: if a number is out of its range.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023, algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        if not lr >= 0:
            raise ValueError(f"lr must be >= 0, got {lr}")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be >= 0 and < 1, got {betas}")
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay must be >= 0, got {weight_decay}")
        settings = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Makes a step; `closure`, if there is one, computes the loss and the gradients again."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)
        return loss

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, (of_direction, of_mean) = self.state[parameter], group["betas"]
        if not state:
            state["exp_avg"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        if group["maximize"]:
            gradient = -gradient
        mean = state["exp_avg"]
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        direction = torch.lerp(mean, gradient, 1 - of_direction).sign_()
        parameter.add_(direction, alpha=-group["lr"])
        mean.lerp_(gradient, 1 - of_mean)
