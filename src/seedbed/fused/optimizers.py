"""The optimizers of `torch.optim` over K runs at once, each run with numbers of its own.

All parameters of a run lie in one row, so that an update is a handful of operations, however many
layers there are. Tests hold each equal to `torch.optim`.
"""

from collections.abc import Mapping, Sequence
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


class _Kept:
    """State that is made at the first update, as torch does it."""

    counts_steps = True
    from_start: tuple[str, ...] = ()

    def __init__(self, switches: Mapping[str, Any]) -> None:
        self.state: dict[str, Tensor] = {}
        self.steps = 0
        self.switches = switches
        self._given: Numbers | None = None
        self._rounded: Numbers = {}

    def _numbers(self, numbers: Numbers, weights: Tensor) -> Numbers:
        """Those that the step takes, as the weights are; made anew where a schedule moved them."""
        if numbers is not self._given:
            taken = {**numbers, **self._taken(numbers)}
            self._given = numbers
            self._rounded = {name: _like(one, weights) for name, one in taken.items()}
        return self._rounded

    def _taken(self, numbers: Numbers) -> Numbers:
        """What the step takes beside the numbers themselves."""
        return {}

    def _zeros(self, name: str, like: Tensor) -> Tensor:
        if name not in self.state:
            self.state[name] = torch.zeros_like(like)
        return self.state[name]


class SGD(_Kept):
    """Source: `torch.optim.SGD`; momentum may be 0 for some runs."""

    counts_steps = False

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `BatchedOptimizer`."""
        self.steps += 1
        numbers = self._numbers(numbers, weights)
        momentum = numbers["momentum"]
        idle = momentum == 0  # torch leaves their buffers as they are
        gradient = torch.addcmul(gradient, weights, numbers["weight_decay"])
        moved = gradient
        if not bool(idle.all()):
            if "momentum_buffer" in self.state:
                buffer = self.state["momentum_buffer"]
                taken = torch.where(idle, 0, numbers["undamped"])
                buffer.mul_(torch.where(idle, 1, momentum)).addcmul_(gradient, taken)
            else:
                buffer = self.state["momentum_buffer"] = torch.where(idle, 0, gradient)
            if self.switches["nesterov"]:
                moved = torch.addcmul(gradient, buffer, momentum)
            else:
                moved = torch.where(idle, gradient, buffer) if bool(idle.any()) else buffer
        weights.addcmul_(moved, numbers["lr"], value=-1)

    def _taken(self, numbers: Numbers) -> Numbers:
        return {"undamped": 1 - numbers["dampening"]}

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """See `BatchedOptimizer`."""
        return ["momentum_buffer"] if numbers["momentum"] else []


class Adam(_Kept):
    """Source: `torch.optim.Adam`, Kingma and Ba 2015; `amsgrad` as there.

    What torch divides by, `sqrt(second) / scale + eps`, is multiplied by `scale` here, and so is
    what it divides, which spares a pass over the weights.
    """

    decoupled = False

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `BatchedOptimizer`."""
        first, second = (self._zeros(name, weights) for name in ("exp_avg", "exp_avg_sq"))
        self.steps += 1
        rounded = self._numbers(numbers, weights)
        if self.decoupled:
            weights.mul_(rounded["left"])
        else:
            gradient = torch.addcmul(gradient, weights, rounded["weight_decay"])
        first.lerp_(gradient, rounded["new1"].expand_as(gradient))
        second.mul_(rounded["beta2"]).addcmul_(gradient * gradient, rounded["new2"])
        largest = second
        if self.switches["amsgrad"]:
            largest = self._zeros("max_exp_avg_sq", weights)
            torch.maximum(largest, second, out=largest)
        scale = (1 - numbers["beta2"].pow(self.steps)).sqrt()
        size = numbers["lr"] * scale / (1 - numbers["beta1"].pow(self.steps))
        eps = _like(numbers["eps"] * scale, weights)
        weights.addcdiv_(first * _like(-size, weights), largest.sqrt().add_(eps))

    def _taken(self, numbers: Numbers) -> Numbers:
        left = 1 - numbers["lr"] * numbers["weight_decay"]
        return {"new1": 1 - numbers["beta1"], "new2": 1 - numbers["beta2"], "left": left}

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """See `BatchedOptimizer`."""
        return ["exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if self.switches["amsgrad"] else [])]


class AdamW(Adam):
    """Source: `torch.optim.AdamW`, Loshchilov and Hutter 2019: the decay is no gradient."""

    decoupled = True


class RMSprop(_Kept):
    """Source: `torch.optim.RMSprop`; momentum may be 0 for some runs."""

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `BatchedOptimizer`."""
        squares = self._zeros("square_avg", weights)
        self.steps += 1
        numbers = self._numbers(numbers, weights)
        new, momentum = numbers["new"], numbers["momentum"]
        gradient = torch.addcmul(gradient, weights, numbers["weight_decay"])
        squares.mul_(numbers["alpha"]).addcmul_(gradient * gradient, new)
        spread = squares
        if self.switches["centered"]:
            mean = self._zeros("grad_avg", weights)
            mean.lerp_(gradient, new.expand_as(gradient))
            spread = torch.addcmul(squares, mean, mean, value=-1)
        moved = gradient / spread.sqrt().add_(numbers["eps"])
        idle = momentum == 0  # torch leaves their buffers as they are
        if not bool(idle.all()):
            buffer = self._zeros("momentum_buffer", weights)
            buffer.mul_(torch.where(idle, 1, momentum)).addcmul_(moved, (~idle).to(moved.dtype))
            moved = torch.where(idle, moved, buffer) if bool(idle.any()) else buffer
        weights.addcmul_(moved, numbers["lr"], value=-1)

    def _taken(self, numbers: Numbers) -> Numbers:
        return {"new": 1 - numbers["alpha"]}

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """See `BatchedOptimizer`."""
        momentum = ["momentum_buffer"] if numbers["momentum"] else []
        return ["square_avg", *momentum, *(["grad_avg"] if self.switches["centered"] else [])]


class Adagrad(_Kept):
    """Source: `torch.optim.Adagrad`, Duchi, Hazan and Singer 2011."""

    from_start: tuple[str, ...] = ("sum",)

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `BatchedOptimizer`."""
        total = self._zeros("sum", weights)
        self.steps += 1
        rounded = self._numbers(numbers, weights)
        gradient = torch.addcmul(gradient, weights, rounded["weight_decay"])
        total.addcmul_(gradient, gradient)
        size = _like(numbers["lr"] / (1 + (self.steps - 1) * numbers["lr_decay"]), weights)
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


def _like(number: Tensor, weights: Tensor) -> Tensor:
    """Rounded to the type of the weights, and then where they are: not every device has float64."""
    return number.to(weights.dtype).to(weights.device)


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
