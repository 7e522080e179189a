"""The transforms of a run, one after the other, with what each draws."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seedbed.data.images.levels import FULL
from seedbed.data.seeds import row_keys, stream_seed
from seedbed.data.transforms.transform import Draws, Transform


class Pipeline:
    """Changes levels of training images.

    Args:
        transforms: in the order that they are applied.
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = transforms

    def __call__(
        self, levels: Tensor, seeds: Sequence[int], epoch: int, rows: NDArray[np.int64]
    ) -> Tensor:
        """Changed levels.

        Args:
            levels: (rows, channels, height, width) uint8; of several runs one after the other.
            seeds: of each run.
            epoch: from 0.
            rows: the number of each image among the training rows, (n,) or (runs, n).

        Shape:
            (rows, channels, height, width) float32, from 0 to 255
        """
        x = levels.float().div_(FULL)
        for number, transform in enumerate(self.transforms):
            x = transform(x, Draws(_keys(seeds, epoch, number, rows)))
        return x * FULL


def _keys(
    seeds: Sequence[int], epoch: int, number: int, rows: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """What a transform draws by, of every row: one for each (seed, epoch, transform, row)."""
    each = rows if rows.ndim == 2 else rows[None]
    drawn = [
        row_keys(_stream(seed, epoch, number), one) for seed, one in zip(seeds, each, strict=True)
    ]
    return np.concatenate(drawn)


@lru_cache(maxsize=4096)
def _stream(seed: int, epoch: int, number: int) -> int:
    return stream_seed(seed, "transform", epoch, number)
