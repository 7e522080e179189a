"""How large the gradients of a step are, and what it changes of the weights.

`trainer.log_gradients` asks for it. Only the steps that are logged are measured: a recorder says
which (`recording/gradient_points.py`), and the engines measure their own.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

Named = Mapping[str, Tensor]
"""By the name of each trained parameter, of each slot: (slots, *shape)."""


class StepNorms:
    """Measures a step when it is due.

    Attributes:
        due: whether the next step is to be measured.
        found: of the step just measured, (slots, 2 * (parameters + 1)): the norm of the gradient of
            each parameter, before clipping, and of all of them together; then the same of what the
            step changed, as a part of the norm that the weights had before it.
    """

    def __init__(self) -> None:
        self.due = False
        self.found: Tensor | None = None
        self._gradients = self._weights = torch.empty(0)
        self._before: dict[str, Tensor] = {}

    def before_update(self, gradients: Named, weights: Named) -> None:
        """The gradients are there, and the weights are as they were."""
        self._gradients = norms_of(gradients)
        self._weights = norms_of(weights)
        self._before = {name: one.detach().clone() for name, one in weights.items()}

    def after_update(self, weights: Named) -> None:
        """The weights have moved.

        A weight of zeros that moved has an infinite ratio, one that did not has 0.

        Source: Stanford's CS231n, "Ratio of weights:updates".
        """
        moved = {name: one.detach() - self._before[name] for name, one in weights.items()}
        changes = norms_of(moved)
        ratios = torch.where(changes == 0, changes, changes / self._weights)
        self.found = torch.cat([self._gradients, ratios], dim=1)
        self._before = {}
        self.due = False


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """The parameters of one run that are trained, as those of one slot."""
    return {name: one[None] for name, one in model.named_parameters() if one.requires_grad}


def gradients_of(model: nn.Module) -> dict[str, Tensor]:
    """Their gradients; zeros where the loss does not depend on one."""
    return {
        name: torch.zeros_like(one)[None] if one.grad is None else one.grad.to_dense()[None]
        for name, one in model.named_parameters()
        if one.requires_grad
    }


def norms_of(named: Named) -> Tensor:
    """The norm of each tensor, and last of all of them, as `torch.nn.utils.get_total_norm` has it.

    Shape:
        each (slots, *shape) -> (slots, tensors + 1)
    """
    norms = torch.stack([_norm(one.detach()[:, None].flatten(1)) for one in named.values()], dim=1)
    return torch.cat([norms, torch.linalg.vector_norm(norms, dim=1, keepdim=True)], dim=1)


def _norm(rows: Tensor) -> Tensor:
    """Of each row, in float32 whatever its numbers are; their squares need its range."""
    small = rows.dtype in (torch.float16, torch.bfloat16)
    norms: Tensor = torch.linalg.vector_norm(rows.float() if small else rows, dim=1)
    return norms.float()
