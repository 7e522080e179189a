"""The gradients of all parameters in one row of numbers, to be added over ranks in one go."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


class FlatGradients:
    """Of parameters that each rank holds whole.

    A parameter that no rank has a gradient of has none afterwards, as in one process: an optimizer
    passes it over, and does not take it for one whose gradient is 0.

    Args:
        parameters: all of them.
        more: numbers that are added beside.
        device: where they are.
    """

    def __init__(self, parameters: Sequence[Tensor], more: int, device: torch.device) -> None:
        self.parameters = parameters
        double = any(one.dtype in (torch.float64, torch.complex128) for one in self.parameters)
        sizes = [_real(one.detach()).numel() for one in self.parameters]
        self.flat = torch.zeros(
            sum(sizes) + len(sizes) + more,
            dtype=torch.float64 if double else torch.float32,
            device=device,
        )
        *self.parts, self.have, self.more = self.flat.split([*sizes, len(sizes), more])

    def added(
        self,
        add: Callable[[Tensor], None],
        told: Sequence[Tensor | float],
        by: int | None,
    ) -> list[Tensor]:
        """Puts the gradients of all ranks in place of this one's.

        Args:
            add: adds a tensor over ranks.
            told: numbers beside them; the first is the loss.
            by: which of these the gradients and the loss are divided by; None for none.

        Returns:
            Those numbers of all ranks.
        """
        for part, parameter in zip(self.parts, self.parameters, strict=True):
            gradient = parameter.grad
            if gradient is None:
                part.zero_()
            else:
                part.copy_(_real(gradient.to_dense()).reshape(-1))
        self.have.copy_(torch.tensor([float(one.grad is not None) for one in self.parameters]))
        self.more.copy_(torch.stack([torch.as_tensor(one).to(self.more) for one in told]))
        add(self.flat)
        if by is not None:
            gradients = self.flat[: -len(self.have) - len(self.more)]
            count = self.more[by].clone()
            count = count.where(count != 0, 1)  # of rows that all weigh nothing the loss is 0
            gradients /= count
            self.more[0] /= count
        self._put_back()
        return [one.clone() for one in self.more]

    def _put_back(self) -> None:
        have = self.have.tolist()
        for part, parameter, ranks in zip(self.parts, self.parameters, have, strict=True):
            if not ranks:
                parameter.grad = None
                continue
            gradient = torch.empty_like(parameter)
            _real(gradient).copy_(part.view_as(_real(gradient)))
            parameter.grad = gradient


def _real(tensor: Tensor) -> Tensor:
    """Of complex numbers both parts."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
