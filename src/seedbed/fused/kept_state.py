"""What the optimizers of a stack have in common: their state, and numbers of each run's own."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

Numbers = Mapping[str, Tensor]
"""By name, each (runs, 1): `lr`, `weight_decay` and what else the optimizer has. In float64, on the
CPU, as torch computes with Python's numbers; what meets the weights is rounded last."""


class BatchedOptimizer(Protocol):
    """What the engine asks of an optimizer.

    Args:
        state: by the name that torch gives it in `state_dict()`, each (runs, parameters).
        steps: updates so far; the same for all runs of a stack.
        counts_steps: whether torch's `state_dict()` tells them.
        from_start: state that torch's has before the first update, of zeros.
    """

    state: dict[str, Tensor]
    steps: int
    counts_steps: bool
    from_start: tuple[str, ...]

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """Updates the weights in place.

        Shape:
            weights and gradient (runs, parameters)
        """
        ...

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """What torch's optimizer with these numbers would have in its state."""
        ...


class KeptState:
    """State that is made at the first update, as torch does it.

    `used` names the numbers that are not zero for every run, `used_by_all` those that are for
    none.
    """

    counts_steps = True
    from_start: tuple[str, ...] = ()

    def __init__(self, switches: Mapping[str, Any]) -> None:
        self.state: dict[str, Tensor] = {}
        self.steps = 0
        self.switches = switches
        self._given: Numbers | None = None
        self._rounded: Numbers = {}
        self.used: set[str] = set()
        self.used_by_all: set[str] = set()

    def taken(self, numbers: Numbers, weights: Tensor) -> Numbers:
        """Those that the step takes, as the weights are; made anew where a schedule moved them."""
        if numbers is not self._given:
            taken = {**numbers, **self._more(numbers)}
            self._given = numbers
            self._rounded = {name: rounded_as(one, weights) for name, one in taken.items()}
            self.used = {name for name, one in taken.items() if bool(one.any())}
            self.used_by_all = {name for name in self.used if bool(taken[name].all())}
        return self._rounded

    def _decayed(self, gradient: Tensor, weights: Tensor) -> Tensor:
        """The gradient, and what weight decay adds to it."""
        if "weight_decay" not in self.used:
            return gradient
        return torch.addcmul(gradient, weights, self._rounded["weight_decay"])

    def _more(self, numbers: Numbers) -> Numbers:
        """What the step takes beside the numbers themselves."""
        return {}

    def _zeros(self, name: str, like: Tensor) -> Tensor:
        if name not in self.state:
            self.state[name] = torch.zeros_like(like)
        return self.state[name]


def rounded_as(number: Tensor, weights: Tensor) -> Tensor:
    """Rounded to the type of the weights, and then where they are: not every device has float64."""
    return number.to(weights.dtype).to(weights.device)
