"""A rectangle of each image taken away."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.data.transforms.crops import boxes
from seedbed.data.transforms.transform import Draws, SameSize, on_rows, probability, shares, span


class RandomErasing(SameSize):
    """A rectangle becomes one value.

    Args:
        p: in how many images.
        scale: its area, as a share of the image's: from, to.
        ratio: its width over its height: from, to.
        value: that it becomes, from 0 to 1.

    Raises:
        ValueError: for arguments that are none of these.
    """

    def __init__(
        self, p: Any = 0.5, scale: Any = (0.02, 0.33), ratio: Any = (0.3, 3.3), value: Any = 0.0
    ) -> None:
        self.p, self.value = probability(p), probability(value, "value")
        self.scale, self.ratio = shares(scale, "scale"), span(ratio, "ratio", least=1e-2)

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Transform`."""
        height, width = x.shape[2:]
        drawn, area, shape, down, across = draws.uniform(5)
        high, wide = (
            np.rint(one) for one in boxes(area, shape, self.scale, self.ratio, (height, width))
        )
        top = np.floor(down * (height - high + 1))
        left = np.floor(across * (width - wide + 1))
        rows = torch.arange(height, device=x.device)[:, None]
        columns = torch.arange(width, device=x.device)
        inside = (rows >= on_rows(top, x)) & (rows < on_rows(top + high, x))
        inside = inside & (columns >= on_rows(left, x)) & (columns < on_rows(left + wide, x))
        return torch.where(inside & on_rows(drawn < self.p, x), self.value, x)
