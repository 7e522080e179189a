"""Batches of rows that lie in arrays in files: those of rows in memory, bit for bit."""

from collections.abc import Iterator
from itertools import islice

import torch

from seedbed.config.task_names import RECONSTRUCTION
from seedbed.data.gathered import Batch, BatchSpec, GatheredBatches
from seedbed.data.npy.rows import NpyRows


class NpyBatches(GatheredBatches):
    """See `Batches`; rows are fetched by their numbers, wherever they lie in the files.

    Args:
        data: rows of a split.
        spec: how they become batches.
    """

    def __init__(self, data: NpyRows, spec: BatchSpec) -> None:
        target = data.row_bytes if data.y is None else data.y[0].nbytes
        super().__init__(len(data), data.row_bytes + target, spec)
        self.data = data
        self.home = torch.device("cpu")
        self.in_pieces = data.preprocessing.task == RECONSTRUCTION

    def gathered(self, rows: torch.Tensor) -> Batch:
        """See `GatheredBatches`."""
        return self.data.gathered(rows)

    def in_order(self, start: int) -> Iterator[Batch]:
        """See `GatheredBatches`."""
        begun, left_out = divmod(start, self.block // self.batch_size)
        for first in range(begun * self.block, self.rows, self.block):
            rows = torch.arange(first, min(first + self.block, self.rows))
            parts = islice(self.parts(*self.gathered(rows)), left_out, None)
            yield from ((x.clone(), y.clone()) for x, y in parts)
            left_out = 0
