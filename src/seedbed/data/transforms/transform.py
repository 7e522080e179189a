"""What every transform is, and the random numbers that it is given."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.data.seeds import uniforms

Numbers = NDArray[np.float64]


class Draws:
    """What a transform draws for the rows of a batch.

    Args:
        keys: of each row, for this transform and epoch.
    """

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self.keys = keys

    def uniform(self, count: int) -> Sequence[Numbers]:
        """Numbers from 0 up to 1: `count` times one for each row, each (rows,)."""
        drawn = uniforms(self.keys, count)
        return [np.ascontiguousarray(drawn[:, one]) for one in range(count)]

    def seeds(self) -> list[int]:
        """For generators of others, from 0 up to 2**63."""
        return [int(key) >> 1 for key in self.keys]


class Transform(Protocol):
    """Changes images, each by numbers that are drawn for it."""

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """The changed images.

        Args:
            x: (rows, channels, height, width) float32, from 0 to 1; not to be written into.
            draws: of the rows.
        """
        ...

    def size_after(self, height: int, width: int) -> tuple[int, int]:
        """The height and width of what it gives.

        Raises:
            ValueError: if it cannot take images of this size.
        """
        ...


class SameSize:
    """A transform that leaves height and width as they are."""

    def size_after(self, height: int, width: int) -> tuple[int, int]:
        """See `Transform`."""
        return height, width


def on_rows(values: NDArray[Any], like: Tensor) -> Tensor:
    """Values of rows beside their images: (rows,) -> (rows, 1, 1, 1), on their device."""
    kind = torch.bool if values.dtype == np.bool_ else torch.float32
    return torch.from_numpy(values).to(like.device, kind)[:, None, None, None]


def beside(values: NDArray[Any], like: Tensor) -> Tensor:
    """Values of rows beside a plane of their images: (rows,) -> (rows, 1, 1), on their device."""
    return on_rows(values, like)[:, 0]


def each(function: Callable[[float], float], values: Numbers) -> Numbers:
    """A function of each value by Python's own arithmetic.

    NumPy computes sines and the like several at a time, and the last bit of one may then hang on
    which others are beside it.
    """
    return np.array([function(value) for value in values.tolist()], dtype=np.float64)


def between(drawn: Numbers, bounds: tuple[float, float]) -> Numbers:
    """Drawn numbers, stretched over a span."""
    low, high = bounds
    return low + (high - low) * drawn


def probability(value: Any, name: str = "p") -> float:
    """A number from 0 to 1.

    Raises:
        ValueError: if it is none.
    """
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, got {value!r}")
    return float(value)


def span(value: Any, name: str, *, least: float = -math.inf) -> tuple[float, float]:
    """Two numbers, the lower one first.

    Raises:
        ValueError: if they are no such numbers.
    """
    fits = isinstance(value, Sequence) and len(value) == 2 and all(map(_is_number, value))
    if not fits or not least <= value[0] <= value[1]:
        above = "" if least == -math.inf else f" from {least:g} on"
        raise ValueError(f"{name} must be two rising numbers{above}, got {value!r}")
    return float(value[0]), float(value[1])


def shares(value: Any, name: str) -> tuple[float, float]:
    """Two shares of an image's area, the lower one first.

    Raises:
        ValueError: if they are no such numbers.
    """
    low, high = span(value, name, least=1e-4)
    if high > 1:
        raise ValueError(f"{name} must end at 1 or before, got {value!r}")
    return low, high


def around(value: Any, name: str, middle: float = 0.0, least: float = -math.inf) -> Any:
    """A number for as far on both sides of `middle`, or a span of one's own.

    Raises:
        ValueError: if it is neither.
    """
    if _is_number(value):
        if value < 0:
            raise ValueError(f"{name} must be a number >= 0 or two of them, got {value!r}")
        return max(least, middle - value), middle + value
    return span(value, name, least=least)


def sides(value: Any, name: str) -> tuple[int, int]:
    """A height and a width, or one whole number for both.

    Raises:
        ValueError: if it is neither.
    """
    pair = value if isinstance(value, Sequence) and not isinstance(value, str) else [value, value]
    if len(pair) != 2 or not all(type(one) is int and one > 0 for one in pair):
        raise ValueError(f"{name} must be [height, width] or one whole number > 0, got {value!r}")
    return pair[0], pair[1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
