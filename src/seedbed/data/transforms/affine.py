"""Images turned, moved, stretched and slanted about their middle."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seedbed.data.transforms.transform import (
    Draws,
    Numbers,
    SameSize,
    around,
    beside,
    between,
    each,
    probability,
    span,
)


class RandomAffine(SameSize):
    """Each image slanted, stretched, turned and moved, in this order; linear between pixels.

    Args:
        degrees: turned to the left, from -degrees to degrees, or from the first of two to the last.
        translate: moved by at most this share of the height and of the width: [down, across].
        scale: stretched by a factor: from, to.
        shear: slanted across by an angle, as `degrees` has it.
        fill: what comes from beyond the edges, from 0 to 1.

    Raises:
        ValueError: for arguments that are none of these.
    """

    def __init__(
        self,
        degrees: Any = 0.0,
        translate: Any = (0.0, 0.0),
        scale: Any = (1.0, 1.0),
        shear: Any = 0.0,
        fill: Any = 0.0,
    ) -> None:
        self.degrees, self.shear = around(degrees, "degrees"), around(shear, "shear")
        if not all(-90 < one < 90 for one in self.shear):
            raise ValueError(f"shear must be between -90 and 90, got {shear!r}")
        pair = [translate, translate] if isinstance(translate, int | float) else translate
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"translate must be two shares [down, across], got {translate!r}")
        self.down, self.across = (probability(one, "translate") for one in pair)
        self.scale = span(scale, "scale", least=1e-3)
        self.fill = probability(fill, "fill")

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Transform`."""
        turned, down, across, stretched, slanted = draws.uniform(5)
        height, width = x.shape[2:]
        angle = each(math.radians, between(turned, self.degrees))
        slant = each(math.tan, each(math.radians, between(slanted, self.shear)))
        cosine, sine = each(math.cos, angle), each(math.sin, angle)
        back = _inverse(cosine, sine, slant, between(stretched, self.scale))
        move = (2 * down - 1) * self.down * height, (2 * across - 1) * self.across * width
        return moved(x, back, move, self.fill)


class RandomRotation(RandomAffine):
    """Each image turned about its middle; linear between pixels.

    Args:
        degrees: to the left, from -degrees to degrees, or from the first of two to the last.
        fill: what comes from beyond the edges, from 0 to 1.

    Raises:
        ValueError: for arguments that are none of these.
    """

    def __init__(self, degrees: Any, fill: Any = 0.0) -> None:
        super().__init__(degrees=degrees, fill=fill)


def _inverse(cosine: Numbers, sine: Numbers, slant: Numbers, scale: Numbers) -> Any:
    """From where in the image a pixel comes: (rows, 2, 2), of across and down."""
    # Forwards: turned to the left by (c s; -s c), after slanted by (1 t; 0 1), after stretched.
    turned_back = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
    slanted_back = np.zeros_like(turned_back)
    slanted_back[:, 0, 0] = slanted_back[:, 1, 1] = 1.0
    slanted_back[:, 0, 1] = -slant
    first = slanted_back[:, :, 0, None] * turned_back[:, None, 0, :]
    second = slanted_back[:, :, 1, None] * turned_back[:, None, 1, :]
    return (first + second) / scale[:, None, None]


def moved(x: Tensor, back: Any, move: tuple[Numbers, Numbers], fill: float) -> Tensor:
    """Images of which each pixel comes from elsewhere.

    Every row is computed by the same operations on its own, whatever others are beside it.

    Args:
        x: (rows, channels, height, width).
        back: (rows, 2, 2): place about the middle -> place that it comes from, of across and down.
        move: pixels that everything moves down and across.
        fill: beyond the edges.
    """
    height, width = x.shape[2:]
    down, across = move
    rows = torch.arange(height, device=x.device, dtype=torch.float32)[:, None] - (height - 1) / 2
    columns = torch.arange(width, device=x.device, dtype=torch.float32) - (width - 1) / 2
    places = []
    for side, size in ((0, width), (1, height)):
        first, second = back[:, side, 0], back[:, side, 1]
        begin = -(first * across + second * down) + (size - 1) / 2
        place = columns * beside(first, x) + rows * beside(second, x) + beside(begin, x)
        places.append((2 * place + 1) / size - 1)
    grid = torch.stack(places, dim=3)
    if not fill:
        return functional.grid_sample(x, grid, align_corners=False)
    return functional.grid_sample(x - fill, grid, align_corners=False) + fill
