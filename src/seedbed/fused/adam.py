"""Adam and AdamW over K runs at once, by torch's own fused kernel: one pass over all state.

The kernel takes one set of numbers a call. Runs that share theirs are updated in one call; each
number of a row is computed alike wherever the row lies, so that this changes no bit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from seedbed.fused.kept_state import KeptState, Numbers
from seedbed.process.torch_private import fused_adam, fused_adamw

TAKEN = ("lr", "beta1", "beta2", "weight_decay", "eps")
"""Numbers that the kernel takes."""


class Adam(KeptState):
    """Source: `torch.optim.Adam`, Kingma and Ba 2015; `amsgrad` as there."""

    decoupled = False

    def __init__(self, flags: Mapping[str, Any]) -> None:
        super().__init__(flags)
        self._shared_by: Numbers | None = None
        self._groups: list[tuple[list[int], dict[str, float]]] = []

    def step(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `BatchedOptimizer`."""
        names = ["exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if self.switches["amsgrad"] else [])]
        tensors = [weights, gradient, *(self._zeros(name, weights) for name in names)]
        self.steps += 1
        kernel: Any = fused_adamw if self.decoupled else fused_adam
        made = torch.tensor(float(self.steps), device=weights.device)
        for rows, taken in self._sharing(numbers):
            alike = [_some(one, rows) for one in tensors]
            largest = alike[4] if self.switches["amsgrad"] else []
            kernel(
                *alike[:4], largest, [made] * len(alike[0]),
                amsgrad=self.switches["amsgrad"], maximize=False, **taken,
            )  # fmt: skip

    def _sharing(self, numbers: Numbers) -> list[tuple[list[int], dict[str, float]]]:
        """Runs that have the same numbers, and these; made anew where a schedule moved them."""
        if numbers is not self._shared_by:
            found: dict[tuple[float, ...], list[int]] = {}
            for row, values in enumerate(torch.cat([numbers[one] for one in TAKEN], 1).tolist()):
                found.setdefault(tuple(values), []).append(row)
            self._groups = [
                (rows, dict(zip(TAKEN, values, strict=True))) for values, rows in found.items()
            ]
            self._shared_by = numbers
        return self._groups

    def names_of(self, numbers: Mapping[str, Any]) -> list[str]:
        """See `BatchedOptimizer`."""
        return ["exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if self.switches["amsgrad"] else [])]


class AdamW(Adam):
    """Source: `torch.optim.AdamW`, Loshchilov and Hutter 2019: the decay is no gradient."""

    decoupled = True


def _some(tensor: Tensor, rows: Sequence[int]) -> Sequence[Tensor]:
    """Rows of a tensor: it is whole if these are all."""
    if len(rows) == len(tensor):
        return [tensor]
    return [tensor[row] for row in rows]
