"""What the optimizers of a stack have in common: their state, and numbers of each run's own."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Numbers = Mapping[str, Tensor]
"""By name, each (runs, groups): `lr`, `weight_decay` and what else the optimizer has, for each
group of parameters. In float64, on the CPU, as torch computes with Python's numbers; what meets the
weights is rounded last."""

PER_GROUP = ("mu_product",)
"""State of which there is one number for each group, not for each parameter."""


class KeptState:
    """An optimizer of all runs; its state is made at the first update, as torch does it.

    `state` has the names that torch gives in `state_dict()`, each (runs, parameters), those of
    `PER_GROUP` (runs, groups). `steps` counts the updates, which are the same for all runs of a
    stack. `used` names the numbers that are not zero for every run, `used_by_all` those that are
    for none.

    Args:
        switches: the flags of the optimizer's config; those that are not there are off.
        columns: the group of each parameter, where there is more than one; (parameters,).
    """

    counts_steps = True
    """Whether torch's `state_dict()` tells the steps."""

    from_start: Mapping[str, str] = {}
    """State that torch's has before the first update, and the number that fills it."""

    decouples = False

    names: Sequence[str] = ()
    """Of its state, in torch's order."""

    def __init__(self, switches: Mapping[str, Any], columns: Tensor | None = None) -> None:
        self.state: dict[str, Tensor] = {}
        self.steps = 0
        self.switches = {"maximize": False, "decoupled_weight_decay": False, **switches}
        self.columns = columns
        self._given: Numbers | None = None
        self._rounded: Numbers = {}
        self.used: set[str] = set()
        self.used_by_all: set[str] = set()

    @property
    def decoupled(self) -> bool:
        """Whether weight decay shrinks the weights by itself, and is no part of the gradient."""
        return self.decouples or bool(self.switches["decoupled_weight_decay"])

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """Updates the weights in place.

        Shape:
            weights and gradient (runs, parameters)
        """
        self.steps += 1
        rounded = self.taken(numbers, weights)
        if self.switches["maximize"]:
            gradient = -gradient
        if "weight_decay" in self.used:
            if self.decoupled:
                weights.mul_(rounded["left"])
            else:
                gradient = torch.addcmul(gradient, weights, rounded["weight_decay"])
        self.move(weights, gradient, numbers)

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """The update itself, after weight decay.

        Shape:
            weights and gradient (runs, parameters)
        """
        raise NotImplementedError

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """What torch's optimizer with these numbers would have in its state."""
        return list(self.names)

    def taken(self, numbers: Numbers, weights: Tensor) -> Numbers:
        """Those that the step takes, as the weights are; made anew where a schedule moved them."""
        if numbers is not self._given:
            taken = {**numbers, **self._more(numbers)}
            self._given = numbers
            self._rounded = {name: self.spread(one, weights) for name, one in taken.items()}
            self.used = {name for name, one in taken.items() if bool(one.any())}
            self.used_by_all = {name for name in self.used if bool(taken[name].all())}
        return self._rounded

    def spread(self, number: Tensor, weights: Tensor) -> Tensor:
        """A number of each group, rounded, as it meets the weights.

        Shape:
            (runs, groups) -> (runs, 1), or with several groups (runs, parameters)
        """
        rounded = rounded_as(number, weights)
        if self.columns is None:
            return rounded
        spread = rounded[:, self.columns]
        return spread if weights.is_contiguous() else spread.t().contiguous().t()

    def _more(self, numbers: Numbers) -> Numbers:
        """What the step takes beside the numbers themselves."""
        return {"left": 1 - numbers["lr"] * numbers["weight_decay"]} if self.decoupled else {}

    def _kept(self, name: str, like: Tensor, start: Tensor | None = None) -> Tensor:
        """State of this name; at the first update zeros, or what is told."""
        if name not in self.state:
            self.state[name] = torch.zeros_like(like)
            if start is not None:
                self.state[name] += start
        return self.state[name]


class TwoMeans(KeptState):
    """Those that follow means of the gradient and of its square by `betas`, as Adam does."""

    def _more(self, numbers: Numbers) -> Numbers:
        new = {"new1": 1 - numbers["beta1"], "new2": 1 - numbers["beta2"]}
        return {**super()._more(numbers), **new}

    def _follow_mean(self, mean: Tensor, gradient: Tensor) -> None:
        mean.lerp_(gradient, self._rounded["new1"].expand_as(gradient))

    def _follow_squares(self, squares: Tensor, gradient: Tensor) -> None:
        squares.mul_(self._rounded["beta2"])
        squares.addcmul_(gradient * gradient, self._rounded["new2"])


def rounded_as(number: Tensor, weights: Tensor) -> Tensor:
    """Rounded to the type of the weights, and then where they are: not every device has float64."""
    return number.to(weights.dtype).to(weights.device)
