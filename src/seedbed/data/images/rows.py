"""Rows of images: levels in memory or mapped from a file, and which of them each row is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from seedbed.data.fitted_column import FittedColumn
from seedbed.data.images.levels import cut_to
from seedbed.data.images.scaling import Scaling
from seedbed.tables.images.pixels import Pixels

if TYPE_CHECKING:
    from seedbed.data.transforms.pipeline import Pipeline


@dataclass(frozen=True, eq=False)
class ImageRows(Dataset[Any]):
    """The images of a part of the data; parts share the levels.

    Args:
        pixels: of all images.
        numbers: of each row's image, (rows,) int64.
        y: targets, (rows, …).
        feature: how levels become inputs.
        pipeline: what changes training rows at random; None for rows that are only measured.
    """

    pixels: Pixels
    numbers: Tensor
    y: Tensor
    feature: FittedColumn
    pipeline: "Pipeline | None" = None

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return self.plain(torch.tensor([row]))[0], self.y[row]

    @property
    def row_bytes(self) -> int:
        """Of the input of a row."""
        return 4 * self.feature.width

    @property
    def levels(self) -> Tensor:
        """Of all images; they share the memory of `pixels`."""
        return torch.from_numpy(self.pixels.levels)

    def plain(self, rows: Tensor) -> Tensor:
        """Inputs of rows as they are measured.

        Shape:
            (n,) -> (n, *feature.shape) float32
        """
        levels = self.levels.index_select(0, self.numbers[rows])
        return Scaling(self.feature)(cut_to(levels, self.feature.shape))

    def taken(self, rows: Tensor) -> "ImageRows":
        """Only these rows, in this order."""
        return replace(self, numbers=self.numbers[rows], y=self.y[rows])

    def digest(self) -> bytes:
        """Of images, which of them the rows are, and targets."""
        found = sha256(self.pixels.digest.encode())
        found.update(self.numbers.numpy().data)
        found.update(self.y.contiguous().numpy().data)
        return found.digest()


def same_images(parts: Sequence[ImageRows]) -> bool:
    """Whether rows are numbers of the same images."""
    return len({(len(one.pixels), one.pixels.digest) for one in parts}) == 1
