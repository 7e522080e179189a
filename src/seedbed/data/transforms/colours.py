"""Lighter or darker, with more or less contrast, more or less colour."""

from typing import Any

import torch
from torch import Tensor

from seedbed.data.transforms.transform import (
    Draws,
    SameSize,
    around,
    between,
    on_rows,
    probability,
)

RED, GREEN, BLUE = 0.299, 0.587, 0.114
"""Shares of a grey; ITU-R 601-2."""

FINE = 2.0**24
"""Parts of 1 in which greys are added up: whole numbers, whose sum does not hang on their order."""


class ColorJitter(SameSize):
    """Brightness, then contrast, then saturation, each by a factor; the result lies from 0 to 1.

    Args:
        brightness: a factor from 1 - brightness to 1 + brightness, or from the first of two.
        contrast: likewise, about the image's mean grey.
        saturation: likewise, about the grey of each pixel; of grey images it changes nothing.

    Raises:
        ValueError: for arguments that are none of these.
    """

    def __init__(self, brightness: Any = 0.0, contrast: Any = 0.0, saturation: Any = 0.0) -> None:
        self.brightness = around(brightness, "brightness", middle=1.0, least=0.0)
        self.contrast = around(contrast, "contrast", middle=1.0, least=0.0)
        self.saturation = around(saturation, "saturation", middle=1.0, least=0.0)

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Transform`."""
        light, contrast, colour = draws.uniform(3)
        x = (x * on_rows(between(light, self.brightness), x)).clamp(0, 1)
        x = _blended(x, _mean(grey(x)), on_rows(between(contrast, self.contrast), x))
        if x.shape[1] == 3:
            x = _blended(x, grey(x), on_rows(between(colour, self.saturation), x))
        return x


class RandomGrayscale(SameSize):
    """Without colours.

    Args:
        p: of how many images.

    Raises:
        ValueError: for a number that is no probability.
    """

    def __init__(self, p: Any = 0.1) -> None:
        self.p = probability(p)

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Transform`."""
        (drawn,) = draws.uniform(1)
        return torch.where(on_rows(drawn < self.p, x), grey(x), x)


def grey(x: Tensor) -> Tensor:
    """The grey of each pixel; (rows, channels, …) -> (rows, 1, …)."""
    if x.shape[1] == 1:
        return x
    return x[:, 0:1] * RED + x[:, 1:2] * GREEN + x[:, 2:3] * BLUE


def _mean(greys: Tensor) -> Tensor:
    """Of each image, (rows, 1, 1, 1)."""
    size = greys[0].numel()
    total = (greys * FINE).round().long().sum(dim=(1, 2, 3), keepdim=True)
    return (total.double() / (size * FINE)).float()


def _blended(x: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """The image with a factor of 1, the other with 0."""
    return (x * factor + other * (1 - factor)).clamp(0, 1)
