"""Adam and AdamW over K runs at once, by torch's own fused kernel: one pass over all state.

The kernel takes one set of numbers a call, and runs have rates of their own. A wide run is a call
of its own. Narrow ones make a step of rate 1 from zero together, which is then taken times each
run's rate; a call for each would take longer than its work. What is done depends on the network
alone, so that a run's bits do not depend on the rates of others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from seedbed.fused.kept_state import Numbers, TwoMeans
from seedbed.process.torch_private import fused_adam

WIDE = 2**13
"""Parameters from which on a call for each run costs less than two more passes over the weights."""

Shared = list[tuple[slice, dict[str, float]]]
"""Neighbours among the runs that have the same numbers, and these."""


class Adam(TwoMeans):
    """Source: `torch.optim.Adam`, Kingma and Ba 2015; `amsgrad` as there."""

    names: Sequence[str] = ("exp_avg", "exp_avg_sq")

    def __init__(self, switches: Mapping[str, Any], columns: Tensor | None = None) -> None:
        super().__init__(switches, columns)
        self._shared_by: Numbers | None = None
        self._shared: Shared = []
        self._moved = torch.empty(0)
        if self.switches["amsgrad"]:
            self.names = (*self.names, "max_exp_avg_sq")

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        state = [self._kept(name, weights) for name in self.names]
        if self.columns is not None or not weights.is_contiguous():
            self._by_hand(weights, gradient, state, numbers)
        elif weights.shape[1] >= WIDE:
            self._update(weights, gradient, state, self.alike(numbers, "lr", "beta1"))
        else:
            moved = self._zeroed(weights)
            self._update(moved, gradient, state, self.alike(numbers, "beta1"))
            weights.addcmul_(moved, self._rounded["lr"])

    def _update(
        self, weights: Tensor, gradient: Tensor, state: Sequence[Tensor], shared: Shared
    ) -> None:
        """By the kernel; its rate is 1 where none is told."""
        kernel: Any = fused_adam
        made = torch.full((), float(self.steps), device=weights.device)
        for rows, numbers in shared:
            parts = [weights, gradient, *state]
            if len(shared) > 1:
                parts = [one[rows] for one in parts]
            mine, steepest, first, second, *largest = ([one] for one in parts)
            kernel(
                mine, steepest, first, second, *(largest or [[]]), [made],
                **{"lr": 1.0, **numbers}, weight_decay=0.0, amsgrad=bool(largest), maximize=False,
            )  # fmt: skip

    def _by_hand(
        self, weights: Tensor, gradient: Tensor, state: Sequence[Tensor], numbers: Numbers
    ) -> None:
        """Where the kernel cannot be called.

        That is where the runs lie inside, as it would compute the last ones otherwise, and where
        parameters of a run have numbers of their own.

        What is divided by, `sqrt(second) / scale + eps`, is taken times `scale`, and so is what it
        divides.
        """
        first, second, *largest = state
        self._follow_mean(first, gradient)
        self._follow_squares(second, gradient)
        if largest:
            second = torch.maximum(largest[0], second, out=largest[0])
        size, eps = self.by_hand_numbers(numbers, self.steps, weights)
        weights.addcdiv_(first * size, second.sqrt().add_(eps))

    def by_hand_numbers(
        self, numbers: Numbers, step: int, weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What a step takes `first` times, and what it adds to the root of `second`."""
        scale = (1 - numbers["beta2"].pow(step)).sqrt()
        size = numbers["lr"] * scale / (1 - numbers["beta1"].pow(step))
        return self.spread(-size, weights), self.spread(numbers["eps"] * scale, weights)

    def _zeroed(self, like: Tensor) -> Tensor:
        """Zeros to step from, in the same memory each time."""
        if self._moved.shape != like.shape or self._moved.device != like.device:
            self._moved = torch.empty_like(like)
        return self._moved.zero_()

    def alike(self, numbers: Numbers, *names: str) -> Shared:
        """The runs that the kernel takes together; told anew where a schedule moved a number."""
        if numbers is not self._shared_by:
            self._shared_by = numbers
            self._shared = _shared({name: numbers[name] for name in (*names, "beta2", "eps")})
        return self._shared


class AdamW(Adam):
    """Source: `torch.optim.AdamW`, Loshchilov and Hutter 2019: the decay is no gradient."""

    decouples = True


def _shared(numbers: Numbers) -> Shared:
    runs = len(numbers["eps"])
    if all(bool((one == one[0]).all()) for one in numbers.values()):
        return [(slice(0, runs), {name: float(one[0]) for name, one in numbers.items()})]
    rows = torch.cat(list(numbers.values()), 1).tolist()
    starts = [row for row in range(runs) if not row or rows[row] != rows[row - 1]]
    return [
        (slice(start, stop), dict(zip(numbers, rows[start], strict=True)))
        for start, stop in zip(starts, [*starts[1:], runs], strict=True)
    ]
