"""Images turned over."""

from typing import Any

import torch
from torch import Tensor

from seedbed.data.transforms.transform import Draws, SameSize, on_rows, probability


class RandomHorizontalFlip(SameSize):
    """Left becomes right.

    Args:
        p: of how many images.

    Raises:
        ValueError: for a number that is no probability.
    """

    _dimension = -1

    def __init__(self, p: Any = 0.5) -> None:
        self.p = probability(p)

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Transform`."""
        (drawn,) = draws.uniform(1)
        return torch.where(on_rows(drawn < self.p, x), x.flip(self._dimension), x)


class RandomVerticalFlip(RandomHorizontalFlip):
    """Top becomes bottom; arguments as `RandomHorizontalFlip`."""

    _dimension = -2
