"""The optimizers of `torch.optim` over K runs at once, each run with numbers of its own.

All parameters of a run lie in one row, so that an update is a handful of operations, however many
layers there are. Tests hold each equal to `torch.optim`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from seedbed.fused.adam import Adam, AdamW
from seedbed.fused.kept_state import KeptState, Numbers, rounded_as


class SGD(KeptState):
    """Source: `torch.optim.SGD`; momentum may be 0 for some runs."""

    counts_steps = False

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `BatchedOptimizer`."""
        self.steps += 1
        numbers = self.taken(numbers, weights)
        moved = gradient = self._decayed(gradient, weights)
        if "momentum" in self.used:
            momentum = numbers["momentum"]
            idle = momentum == 0  # torch leaves their buffers as they are
            if "momentum_buffer" in self.state:
                buffer = self.state["momentum_buffer"]
                taken = torch.where(idle, 0, numbers["undamped"])
                buffer.mul_(torch.where(idle, 1, momentum)).addcmul_(gradient, taken)
            else:
                buffer = self.state["momentum_buffer"] = torch.where(idle, 0, gradient)
            if self.switches["nesterov"]:
                moved = torch.addcmul(gradient, buffer, momentum)
            else:
                all_move = "momentum" in self.used_by_all
                moved = buffer if all_move else torch.where(idle, gradient, buffer)
        weights.addcmul_(moved, numbers["lr"], value=-1)

    def _more(self, numbers: Numbers) -> Numbers:
        return {"undamped": 1 - numbers["dampening"]}

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """See `BatchedOptimizer`."""
        return ["momentum_buffer"] if numbers["momentum"] else []


class RMSprop(KeptState):
    """Source: `torch.optim.RMSprop`; momentum may be 0 for some runs."""

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `BatchedOptimizer`."""
        squares = self._zeros("square_avg", weights)
        self.steps += 1
        numbers = self.taken(numbers, weights)
        new, momentum = numbers["new"], numbers["momentum"]
        gradient = self._decayed(gradient, weights)
        squares.mul_(numbers["alpha"]).addcmul_(gradient * gradient, new)
        spread = squares
        if self.switches["centered"]:
            mean = self._zeros("grad_avg", weights)
            mean.lerp_(gradient, new.expand_as(gradient))
            spread = torch.addcmul(squares, mean, mean, value=-1)
        moved = gradient / spread.sqrt().add_(numbers["eps"])
        if "momentum" in self.used:
            idle = momentum == 0  # torch leaves their buffers as they are
            buffer = self._zeros("momentum_buffer", weights)
            buffer.mul_(torch.where(idle, 1, momentum)).addcmul_(moved, (~idle).to(moved.dtype))
            all_move = "momentum" in self.used_by_all
            moved = buffer if all_move else torch.where(idle, moved, buffer)
        weights.addcmul_(moved, numbers["lr"], value=-1)

    def _more(self, numbers: Numbers) -> Numbers:
        return {"new": 1 - numbers["alpha"]}

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """See `BatchedOptimizer`."""
        momentum = ["momentum_buffer"] if numbers["momentum"] else []
        return ["square_avg", *momentum, *(["grad_avg"] if self.switches["centered"] else [])]


class Adagrad(KeptState):
    """Source: `torch.optim.Adagrad`, Duchi, Hazan and Singer 2011."""

    from_start: tuple[str, ...] = ("sum",)

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `BatchedOptimizer`."""
        total = self._zeros("sum", weights)
        self.steps += 1
        rounded = self.taken(numbers, weights)
        gradient = self._decayed(gradient, weights)
        total.addcmul_(gradient, gradient)
        size = rounded_as(numbers["lr"] / (1 + (self.steps - 1) * numbers["lr_decay"]), weights)
        weights.addcdiv_(gradient * size, total.sqrt().add_(rounded["eps"]), value=-1)

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """See `BatchedOptimizer`."""
        return ["sum"]


BATCHED: dict[str, type[SGD] | type[Adam] | type[RMSprop] | type[Adagrad]] = {
    "torch.optim.SGD": SGD,
    "torch.optim.Adam": Adam,
    "torch.optim.AdamW": AdamW,
    "torch.optim.RMSprop": RMSprop,
    "torch.optim.Adagrad": Adagrad,
}
"""The optimizers that fuse."""


def numbers_of(group: Mapping[str, Any]) -> dict[str, float]:
    """The numbers in a parameter group of torch's, betas apart; switches are left out."""
    numbers = {
        name: float(value)
        for name, value in group.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if "betas" in group:
        numbers["beta1"], numbers["beta2"] = map(float, group["betas"])
    return numbers


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


def stacked_states(
    states: Sequence[Mapping[str, Any]], width: int
) -> tuple[dict[str, Tensor], int]:
    """The state of several `optimizer.state_dict()`s, as rows.

    Args:
        states: of each run.
        width: parameters in a row.

    Returns:
        The state, and the updates so far; runs without a buffer that others have get zeros.
    """
    names = list(dict.fromkeys(n for s in states for one in s["state"].values() for n in one))
    steps = max(
        (int(one["step"]) for s in states for one in s["state"].values() if "step" in one),
        default=0,
    )
    rows = {name: torch.zeros(len(states), width) for name in names if name != "step"}
    for place, state in enumerate(states):
        for name, row in rows.items():
            parts = [
                one[name].reshape(-1)
                for one in state["state"].values()
                if one.get(name) is not None
            ]
            if parts:
                row[place] = torch.cat(parts)
    return rows, steps
