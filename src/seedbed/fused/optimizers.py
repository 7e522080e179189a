"""The optimizers of `torch.optim` over K runs at once, each run with numbers of its own.

All parameters of a run lie in one row, so that an update is a handful of operations, however many
layers there are. Tests hold each equal to `torch.optim`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from seedbed.fused.adam import Adam, AdamW
from seedbed.fused.adam_kin import Adamax, Lion, NAdam, RAdam
from seedbed.fused.kept_state import PER_GROUP, KeptState, Numbers
from seedbed.fused.step_sizes import Adadelta, Rprop


class SGD(KeptState):
    """Source: `torch.optim.SGD`; momentum may be 0 for some runs."""

    counts_steps = False

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        rounded, moved = self._rounded, gradient
        if "momentum" in self.used:
            momentum = rounded["momentum"]
            idle = momentum == 0  # torch leaves their buffers as they are
            if "momentum_buffer" in self.state:
                buffer = self.state["momentum_buffer"]
                taken = torch.where(idle, 0, rounded["undamped"])
                buffer.mul_(torch.where(idle, 1, momentum)).addcmul_(gradient, taken)
            else:
                buffer = self.state["momentum_buffer"] = torch.where(idle, 0, gradient)
            if self.switches["nesterov"]:
                moved = torch.addcmul(gradient, buffer, momentum)
            else:
                all_move = "momentum" in self.used_by_all
                moved = buffer if all_move else torch.where(idle, gradient, buffer)
        weights.addcmul_(moved, rounded["lr"], value=-1)

    def _more(self, numbers: Numbers) -> Numbers:
        return {"undamped": 1 - numbers["dampening"]}

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """See `KeptState`."""
        return ["momentum_buffer"] if numbers["momentum"] else []


class RMSprop(KeptState):
    """Source: `torch.optim.RMSprop`; momentum may be 0 for some runs."""

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        squares, rounded = self._kept("square_avg", weights), self._rounded
        new, momentum = rounded["new"], rounded["momentum"]
        squares.mul_(rounded["alpha"]).addcmul_(gradient * gradient, new)
        spread = squares
        if self.switches["centered"]:
            mean = self._kept("grad_avg", weights)
            mean.lerp_(gradient, new.expand_as(gradient))
            spread = torch.addcmul(squares, mean, mean, value=-1)
        moved = gradient / spread.sqrt().add_(rounded["eps"])
        if "momentum" in self.used:
            idle = momentum == 0  # torch leaves their buffers as they are
            buffer = self._kept("momentum_buffer", weights)
            buffer.mul_(torch.where(idle, 1, momentum)).addcmul_(moved, (~idle).to(moved.dtype))
            all_move = "momentum" in self.used_by_all
            moved = buffer if all_move else torch.where(idle, moved, buffer)
        weights.addcmul_(moved, rounded["lr"], value=-1)

    def _more(self, numbers: Numbers) -> Numbers:
        return {"new": 1 - numbers["alpha"]}

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """See `KeptState`."""
        momentum = ["momentum_buffer"] if numbers["momentum"] else []
        return ["square_avg", *momentum, *(["grad_avg"] if self.switches["centered"] else [])]


class Adagrad(KeptState):
    """Source: `torch.optim.Adagrad`, Duchi, Hazan and Singer 2011."""

    from_start: Mapping[str, str] = {"sum": "initial_accumulator_value"}
    names = ("sum",)

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        total = self._kept("sum", weights, self._rounded["initial_accumulator_value"])
        total.addcmul_(gradient, gradient)
        size = numbers["lr"] / (1 + (self.steps - 1) * numbers["lr_decay"])
        steepness = total.sqrt().add_(self._rounded["eps"])
        weights.addcdiv_(gradient * self.spread(size, weights), steepness, value=-1)


BATCHED: dict[str, type[KeptState]] = {
    "torch.optim.SGD": SGD,
    "torch.optim.Adam": Adam,
    "torch.optim.AdamW": AdamW,
    "torch.optim.NAdam": NAdam,
    "torch.optim.RAdam": RAdam,
    "torch.optim.Adamax": Adamax,
    "torch.optim.RMSprop": RMSprop,
    "torch.optim.Adagrad": Adagrad,
    "torch.optim.Adadelta": Adadelta,
    "torch.optim.Rprop": Rprop,
    "seedbed.optimizers.Lion": Lion,
}
"""The optimizers that fuse."""

PAIRS = {
    "betas": ("beta1", "beta2"),
    "etas": ("etaminus", "etaplus"),
    "step_sizes": ("shortest", "longest"),
}
"""Settings of two numbers, and what each is called."""


def numbers_of(group: Mapping[str, Any]) -> dict[str, float]:
    """The numbers in a parameter group of torch's, those of a pair apart; switches are left out."""
    numbers = {
        name: float(value)
        for name, value in group.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    for key, names in PAIRS.items():
        if key in group:
            numbers |= zip(names, map(float, group[key]), strict=True)
    return numbers


def stacked_states(
    states: Sequence[Mapping[str, Any]],
    sizes: Mapping[int, int],
    leaders: Sequence[int | None] = (0,),
) -> tuple[dict[str, Tensor], int]:
    """The state of several `optimizer.state_dict()`s, as rows.

    Args:
        states: of each run.
        sizes: of the parameters in a row, in their order, by their number in the states.
        leaders: the number of one parameter of each of its groups, None of an empty one.

    Returns:
        The state, and the updates so far; what has no state where others have gets zeros.
    """
    names = list(dict.fromkeys(n for s in states for one in s["state"].values() for n in one))
    steps = max(
        (int(one["step"]) for s in states for one in s["state"].values() if "step" in one),
        default=0,
    )
    rows = {}
    for name in names:
        if name in PER_GROUP:
            rows[name] = torch.stack([_of_groups(one["state"], name, leaders) for one in states])
        elif name != "step":
            rows[name] = torch.stack([_row(one["state"], name, sizes) for one in states])
    return rows, steps


def _row(state: Mapping[int, Any], name: str, sizes: Mapping[int, int]) -> Tensor:
    found = [state.get(number, {}).get(name) for number in sizes]
    parts = zip(found, sizes.values(), strict=True)
    return torch.cat([torch.zeros(n) if one is None else one.reshape(-1) for one, n in parts])


def _of_groups(state: Mapping[int, Any], name: str, leaders: Sequence[int | None]) -> Tensor:
    found = [None if number is None else state.get(number, {}).get(name) for number in leaders]
    return torch.stack([torch.zeros(()) if one is None else one.reshape(()) for one in found])
