"""Batches of images: gathered as levels, changed at random, and scaled; each is made anew."""

from collections.abc import Iterator

import torch

from seedbed.config.schema import LoaderConfig
from seedbed.data.batch_sizes import BLOCK_BYTES, refuse_no_batch
from seedbed.data.images.rows import ImageRows
from seedbed.data.images.scaling import Scaling
from seedbed.data.orders import RowOrders
from seedbed.data.shares import Share
from seedbed.errors import DataError

Batch = tuple[torch.Tensor, torch.Tensor]


class ImageBatches:
    """See `Batches`.

    Args:
        data: rows of images.
        loader: how they become batches.
        seed: of the run.
        device: where they are used.
        limit: batches of an epoch; None for all.

    Raises:
        DataError: if workers are asked for.
    """

    in_pieces = False

    def __init__(
        self,
        data: ImageRows,
        loader: LoaderConfig,
        seed: int,
        device: torch.device,
        limit: int | None = None,
    ) -> None:
        if loader.num_workers:
            raise DataError(
                f"loader.num_workers={loader.num_workers}: images are decoded once, before "
                "training, and no worker reads them; type loader.num_workers=0"
            )
        refuse_no_batch(loader, len(data))
        self.data, self.device, self.seed = data, device, seed
        self.rows = len(data)
        most = max(1, BLOCK_BYTES // data.row_bytes)
        self.orders = RowOrders(self.rows, loader, [seed], most, limit=limit)
        self.batch_size = self.orders.batch_size
        self._scaling = Scaling(data.feature, device)

    def __len__(self) -> int:
        return self.orders.batches

    def epoch(self, number: int, start: int = 0, share: Share | None = None) -> Iterator[Batch]:
        """See `Batches`.

        Args:
            number: of the epoch.
            start: its first batch.
            share: of each batch, which alone is made; None for all of it.
        """
        if start >= len(self):
            return
        order = self.orders.of(number)[start * self.batch_size : self.orders.visited]
        for rows in order.split(self.batch_size):
            yield self._batch(rows if share is None else share(rows), number)

    def _batch(self, rows: torch.Tensor, epoch: int) -> Batch:
        data, pipeline = self.data, self.data.pipeline
        y = data.y[rows].to(self.device)
        if pipeline is None or not len(rows):
            return data.plain(rows).to(self.device), y
        levels = data.levels.index_select(0, data.numbers[rows]).to(self.device)
        return self._scaling(pipeline(levels, [self.seed], epoch, rows.numpy())), y
