"""A part of each image, from a place of its own."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seedbed.data.transforms.transform import (
    Draws,
    SameSize,
    beside,
    each,
    probability,
    shares,
    sides,
    span,
)

MODES = {"constant": "constant", "edge": "replicate", "reflect": "reflect"}


class RandomCrop:
    """A part of the image, of which there may be more at its edges.

    Rows that are not trained on, and rows to predict, are cut to their middle of this size.

    Args:
        size: height and width of the part.
        padding: pixels that are put at each edge first.
        fill: what they are, from 0 to 1.
        padding_mode: constant, edge (the last pixel again) or reflect.

    Raises:
        ValueError: for arguments that are none of these.
    """

    def __init__(
        self, size: Any, padding: Any = 0, fill: Any = 0.0, padding_mode: Any = "constant"
    ) -> None:
        self.size = sides(size, "size")
        if type(padding) is not int or padding < 0:
            raise ValueError(f"padding must be a whole number >= 0, got {padding!r}")
        if padding_mode not in MODES:
            raise ValueError(f"padding_mode must be one of {', '.join(MODES)}, got {padding_mode}")
        self.padding, self.fill, self.mode = padding, probability(fill, "fill"), MODES[padding_mode]

    def size_after(self, height: int, width: int) -> tuple[int, int]:
        """See `Transform`."""
        high, wide = self.size
        if high > height or wide > width:
            raise ValueError(
                f"size is {high} x {wide}, and the images are {height} x {width}; rows that are "
                "not trained on are cut to the same size, without padding"
            )
        if self.mode == "reflect" and self.padding >= min(height, width):
            raise ValueError(
                f"padding={self.padding} reflects more than there is of {height} x {width}"
            )
        return self.size

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Transform`."""
        edges = [self.padding] * 4
        if self.padding and self.mode == "constant":
            x = functional.pad(x, edges, value=self.fill)
        elif self.padding:
            x = functional.pad(x, edges, mode=self.mode)
        rows, columns = draws.uniform(2)
        down = _places(rows, self.size[0], x.shape[2]).to(x.device)
        across = _places(columns, self.size[1], x.shape[3]).to(x.device)
        images = torch.arange(len(x), device=x.device)[:, None, None, None]
        channels = torch.arange(x.shape[1], device=x.device)[None, :, None, None]
        return x[images, channels, down[:, None, :, None], across[:, None, None, :]]


def _places(drawn: Any, size: int, room: int) -> Tensor:
    """The pixels of each part along one side: (rows,) -> (rows, size)."""
    first = np.floor(drawn * (room - size + 1)).astype(np.int64)
    return torch.from_numpy(first)[:, None] + torch.arange(size)


class RandomResizedCrop(SameSize):
    """A part of the image, stretched to the image's own size.

    The part lies in the image: a side that is drawn longer ends at the edge. Between pixels it is
    linear; what is drawn smaller than it was is not smoothed.

    Args:
        scale: the part's area, as a share of the image's: from, to.
        ratio: its width over its height: from, to.

    Raises:
        ValueError: for arguments that are none of these.
    """

    def __init__(self, scale: Any = (0.08, 1.0), ratio: Any = (0.75, 4 / 3)) -> None:
        self.scale, self.ratio = shares(scale, "scale"), span(ratio, "ratio", least=1e-2)

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Transform`."""
        height, width = x.shape[2:]
        area, shape, down, across = draws.uniform(4)
        high, wide = boxes(area, shape, self.scale, self.ratio, (height, width))
        top, left = down * (height - high), across * (width - wide)
        rows = (torch.arange(height, device=x.device) * 2 + 1) / height - 1
        columns = (torch.arange(width, device=x.device) * 2 + 1) / width - 1
        y = rows[:, None] * beside(high / height, x) + beside((2 * top + high) / height - 1, x)
        z = columns * beside(wide / width, x) + beside((2 * left + wide) / width - 1, x)
        grid = torch.stack([z.expand(-1, height, -1), y.expand(-1, -1, width)], dim=3)
        return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def boxes(
    area: Any, shape: Any, scale: tuple[float, float], ratio: tuple[float, float], size: Any
) -> tuple[Any, Any]:
    """Heights and widths of parts of images; none is larger than these.

    Args:
        area: drawn from 0 to 1 for each row.
        shape: likewise.
        scale: bounds of the area, as a share.
        ratio: bounds of width over height, of which the logarithm is drawn evenly.
        size: of the images.
    """
    height, width = size
    low, high = (math.log(one) for one in ratio)
    ratios = each(math.exp, low + (high - low) * shape)
    areas = (scale[0] + (scale[1] - scale[0]) * area) * (height * width)
    high_sides = each(math.sqrt, areas / ratios)
    wide_sides = each(math.sqrt, areas * ratios)
    return np.minimum(high_sides, height), np.minimum(wide_sides, width)
