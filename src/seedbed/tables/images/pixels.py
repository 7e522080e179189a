"""Decoded images: the levels of all files of a set, which the rows of its table are numbers of."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.uint8]

AT_ONCE = 2**24
"""Values that are measured at once."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """Images of one size.

    Args:
        levels: (images, channels, height, width); in memory, or mapped from a file.
        digest: SHA-256 of the levels.
        files: SHA-256 of what the files hold.
        notes: what a person should know of them.
    """

    levels: Levels
    digest: str
    files: str
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image: channels, height and width."""
        channels, height, width = self.levels.shape[1:]
        return channels, height, width

    @cached_property
    def sums(self) -> NDArray[np.int64]:
        """Of each image and channel the sum of its levels and of their squares.

        They are whole numbers, so that what is made of them does not hang on their order.

        Shape:
            (images, channels, 2)
        """
        images, channels, height, width = self.levels.shape
        sums = np.empty((images, channels, 2), dtype=np.int64)
        some = max(1, AT_ONCE // (channels * height * width))
        for start in range(0, images, some):
            levels = self.levels[start : start + some].reshape(-1, channels, height * width)
            wide = levels.astype(np.uint32)
            sums[start : start + some, :, 0] = wide.sum(axis=2, dtype=np.int64)
            wide *= wide
            sums[start : start + some, :, 1] = wide.sum(axis=2, dtype=np.int64)
        return sums

    def mean_and_deviation(self, images: NDArray[np.int64]) -> tuple[list[float], list[float]]:
        """Of each channel over some images; the population's, 1 where all levels are one.

        Args:
            images: their numbers; one may be there twice.
        """
        count = len(images) * self.levels.shape[2] * self.levels.shape[3]
        totals = [[int(one) for one in pair] for pair in self.sums[images].sum(axis=0)]
        means = [total / count for total, _ in totals]
        spreads = [count * squares - total * total for total, squares in totals]
        return means, [spread**0.5 / count if spread else 1.0 for spread in spreads]


class ImageCells:
    """The cells of a column of images.

    Args:
        pixels: of all different files.
        rows: the number of each row's image.
    """

    def __init__(self, pixels: Pixels, rows: NDArray[np.int64]) -> None:
        self.pixels, self.rows = pixels, rows

    def __len__(self) -> int:
        return len(self.rows)


def digest_of(levels: Levels) -> str:
    """SHA-256 of the levels, and of how many they are."""
    digest = hashlib.sha256(str(levels.shape).encode())
    some = max(1, AT_ONCE // max(1, levels[0].size))
    for start in range(0, len(levels), some):
        digest.update(np.ascontiguousarray(levels[start : start + some]).data)
    return digest.hexdigest()
