"""Batches of images: gathered as levels, changed at random, and scaled; each is made anew."""

from collections.abc import Iterator

import torch

from seedbed.data.gathered import Batch, BatchSpec, Ordered
from seedbed.data.images.rows import ImageRows
from seedbed.data.images.scaling import Scaling
from seedbed.data.shares import Share
from seedbed.errors import DataError


class ImageBatches(Ordered):
    """See `Batches`.

    Args:
        data: rows of images.
        spec: how they become batches.

    Raises:
        DataError: if workers are asked for.
    """

    def __init__(self, data: ImageRows, spec: BatchSpec) -> None:
        if workers := spec.loader.num_workers:
            raise DataError(
                f"loader.num_workers={workers}: images are decoded once, before training, and no "
                "worker reads them; type loader.num_workers=0"
            )
        super().__init__(len(data), spec)
        self.data = data
        self._scaling = Scaling(data.feature, spec.device)

    def epoch(self, number: int, start: int = 0, share: Share | None = None) -> Iterator[Batch]:
        """See `Batches`.

        Args:
            number: of the epoch.
            start: its first batch.
            share: of each batch, which alone is made; None for all of it.
        """
        if start >= len(self):
            return
        for rows in self.order(number, start).split(self.batch_size):
            yield self._batch(rows if share is None else share(rows), number)

    def _batch(self, rows: torch.Tensor, epoch: int) -> Batch:
        data, pipeline = self.data, self.data.pipeline
        y = data.y[rows].to(self.device)
        if pipeline is None or not len(rows):
            return data.plain(rows).to(self.device), y
        levels = data.levels.index_select(0, data.numbers[rows]).to(self.device)
        return self._scaling(pipeline(levels, [self.seed], epoch, rows.numpy())), y
