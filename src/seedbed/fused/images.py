"""Images for every run of a stack: the levels once, and of each run which of them its rows are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seedbed.data.images.levels import cut_to, unit_of
from seedbed.data.images.rows import ImageRows, same_images
from seedbed.fused.rows import NotAlikeError, StackedRows

if TYPE_CHECKING:
    from seedbed.data.transforms.pipeline import Pipeline


@dataclass(frozen=True)
class StackedImages(StackedRows):
    """See `StackedRows`; `x` are the levels of all images, and `y` the targets of rows.

    Args:
        numbers: of each row's image, of all distinct preparations one after the other.
        mean: of each run, (runs, channels, 1, 1).
        scale: likewise.
        shape: of an input.
        pipeline: what changes the rows at random; None for rows that are only measured.
    """

    numbers: Tensor
    mean: Tensor
    scale: Tensor
    shape: Sequence[int]
    pipeline: "Pipeline | None"

    @property
    def changes(self) -> bool:
        """See `StackedRows`."""
        return self.pipeline is not None

    @property
    def row_bytes(self) -> int:
        """See `StackedRows`."""
        return 4 * int(torch.Size(self.shape).numel()) + self.y[0].nbytes

    @property
    def held_bytes(self) -> int:
        """See `StackedRows`; the levels are the same for all."""
        return self.rows * (self.numbers.element_size() + self.y[0].nbytes)

    def keep(self, places: Tensor) -> "StackedImages":
        """See `StackedRows`."""
        return replace(
            self,
            starts=self.starts[places],
            mean=self.mean[places],
            scale=self.scale[places],
        )

    def taken(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """See `StackedRows`."""
        levels, y = super().taken(rows)
        return self._scaled(cut_to(levels, self.shape).float(), rows.ndim), y

    def batch(self, rows: Tensor, epoch: int, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
        """See `StackedRows`."""
        if self.pipeline is None:
            return self.taken(rows)
        levels, y = super().taken(rows)
        own = seeds if rows.ndim == 2 else seeds[:1]
        changed = self.pipeline(levels.flatten(0, rows.ndim - 1), own, epoch, rows.cpu().numpy())
        return self._scaled(changed.unflatten(0, rows.shape), rows.ndim), y

    def _inputs(self, rows: Tensor) -> Tensor:
        """The levels."""
        return self.x.index_select(0, self.numbers[rows])

    def _scaled(self, levels: Tensor, dimensions: int) -> Tensor:
        """As `Scaling`, each run by its own numbers; all have the same where they share rows."""
        own = slice(1) if dimensions == 1 else (slice(None), None)
        return levels.sub_(self.mean[own]).div_(self.scale[own])


def images_of(
    parts: Sequence[ImageRows], which: Sequence[int], device: torch.device
) -> StackedImages:
    """As `table_of`, of rows of images; arguments as there.

    Raises:
        NotAlikeError: if the preparations differ in rows or sizes, or are of other images.
    """
    first = parts[0]
    if len({(len(one), tuple(one.feature.shape), one.y.shape) for one in parts}) > 1:
        raise NotAlikeError("the splits of their seeds give rows of different number or size")
    if not same_images(parts):
        raise NotAlikeError("they are of other images")
    units = [[torch.from_numpy(one).to(device) for one in unit_of(part.feature)] for part in parts]
    mean, scale = (torch.stack([unit[side] for unit in units])[list(which)] for side in (0, 1))
    return StackedImages(
        first.levels.to(device),
        torch.cat([one.y for one in parts]).to(device),
        len(first),
        torch.tensor(which, device=device) * len(first),
        torch.cat([one.numbers for one in parts]).to(device),
        mean,
        scale,
        first.feature.shape,
        first.pipeline,
    )
