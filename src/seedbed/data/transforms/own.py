"""Transforms of the user's own: a function or an object that takes an image and gives one."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seedbed.data.generators import generators_seeded
from seedbed.data.transforms.transform import Draws, SameSize
from seedbed.errors import DataError
from seedbed.raised import reason

BESIDE = 0.5
"""How far below 0 and above 1 noise may bring an image; scaling goes further."""


class OwnTransform(SameSize):
    """Calls it with each image by itself, while the generators are seeded for the row.

    Args:
        change: takes (channels, height, width) float32 from 0 to 1, and gives as many.
        where: the key that names it, for errors.
        name: of it.
    """

    def __init__(self, change: Callable[[Tensor], Any], where: str, name: str) -> None:
        self.change, self.where, self.name = change, where, name

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Transform`.

        Raises:
            DataError: if it raises, or gives anything but such an image.
        """
        if not len(x):
            return x
        images = zip(x, draws.seeds(), strict=True)
        return torch.stack([self._changed(image, seed) for image, seed in images])

    def _changed(self, image: Tensor, seed: int) -> Tensor:
        with generators_seeded(seed):
            try:
                found = self.change(image.clone())
            except (Exception, SystemExit) as err:  # of any kind: the code is the user's
                raise DataError(f"{self.where}: {self.name} raises {reason(err)}") from err
        if not isinstance(found, Tensor):
            raise DataError(
                f"{self.where}: {self.name} gives {type(found).__name__}, and an image is a tensor "
                f"of the shape {tuple(image.shape)}"
            )
        if found.shape != image.shape or not found.is_floating_point():
            kind = f"{tuple(found.shape)} {str(found.dtype).removeprefix('torch.')}"
            raise DataError(
                f"{self.where}: {self.name} gives {kind} for an image of {tuple(image.shape)} "
                "float32; a transform of your own leaves the shape as it is, and gives numbers "
                "from 0 to 1"
            )
        return found.detach().to(image.device, torch.float32)

    def tried(self, image: Tensor) -> list[str]:
        """Tries it twice on one image, and notes what gives numbers far from those of an image.

        Raises:
            DataError: if it raises, gives what is no image, or draws from where nothing is seeded.
        """
        first, second = self._changed(image, 1), self._changed(image, 1)
        if not first.isfinite().all():
            raise DataError(f"{self.where}: {self.name} gives numbers that are not finite")
        if not torch.equal(first, second):
            raise DataError(
                f"{self.where}: {self.name} changes one image in two ways with the same seeds, so "
                "no run could be made again; draw from the generators of torch, numpy.random or "
                "random, which are seeded for each row"
            )
        low, high = first.min().item(), first.max().item()
        if low >= -BESIDE and high <= 1 + BESIDE:
            return []
        return [
            f"{self.where}: {self.name} gives numbers from {low:.3g} to {high:.3g}, and images lie "
            "from 0 to 1 there; scaling comes afterwards by itself, also of measured rows, "
            "which no transform changes"
        ]
