"""Tensors of a checkpoint that are not in this process yet, and come as they are written."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pending:
    """Stands for a tensor in a checkpoint.

    Args:
        shape: of the tensor.
        dtype: likewise.
        take: gives it, on the CPU; called once, in the order in which a checkpoint has them.
    """

    shape: torch.Size
    dtype: torch.dtype
    take: Callable[[], Tensor]

    def nbytes(self) -> int:
        """Of its numbers."""
        return self.shape.numel() * self.dtype.itemsize
