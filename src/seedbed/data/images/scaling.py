"""Levels to inputs on a device; `levels.py` does the same in NumPy."""

import torch
from torch import Tensor

from seedbed.data.fitted_column import FittedColumn
from seedbed.data.images.levels import unit_of


class Scaling:
    """Levels to inputs, and back for what is changed between 0 and 1.

    Args:
        feature: fitted on images.
        device: where it computes.
    """

    def __init__(self, feature: FittedColumn, device: torch.device | None = None) -> None:
        mean, scale = unit_of(feature)
        self.mean = torch.from_numpy(mean).to(device or torch.device("cpu"))
        self.scale = torch.from_numpy(scale).to(device or torch.device("cpu"))

    def __call__(self, levels: Tensor) -> Tensor:
        """Inputs of levels, which may be fractions; (…, channels, height, width) float32."""
        return levels.float().sub_(self.mean).div_(self.scale)
