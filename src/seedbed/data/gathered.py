"""Batches of rows that are fetched by their numbers, many batches at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from seedbed.config.schema import LoaderConfig
from seedbed.data.batch_sizes import BLOCK_BYTES, refuse_no_batch
from seedbed.data.orders import RowOrders
from seedbed.data.seeds import Order

Batch = tuple[Any, torch.Tensor]

ROWS_AT_ONCE = 2**14
"""Orders are drawn for as many epochs at once as keep below this many rows."""


@dataclass(frozen=True)
class BatchSpec:
    """How rows become batches.

    Args:
        loader: of the run.
        seed: of the run.
        device: where batches are used.
        limit: batches of an epoch; None for all.
    """

    loader: LoaderConfig
    seed: int
    device: torch.device
    limit: int | None = None


class Ordered:
    """The order of rows, and how many batches there are.

    Args:
        rows: how many there are.
        spec: how they become batches.
        most_rows: orders are drawn for as many epochs at once as keep below this.
        buckets: of each row; None where there are none.

    Raises:
        DataError: if `loader.drop_last` leaves no batch.
    """

    in_pieces = False

    def __init__(
        self,
        rows: int,
        spec: BatchSpec,
        most_rows: int = ROWS_AT_ONCE,
        buckets: Order | None = None,
    ) -> None:
        refuse_no_batch(spec.loader, rows)
        self.rows, self.seed, self.device = rows, spec.seed, spec.device
        self.orders = RowOrders(
            rows, spec.loader, [spec.seed], most_rows, limit=spec.limit, buckets=buckets
        )
        self.batch_size = self.orders.batch_size

    def __len__(self) -> int:
        return self.orders.batches

    def order(self, number: int, start: int) -> torch.Tensor:
        """Row numbers still to be visited."""
        return self.orders.of(number)[start * self.batch_size : self.orders.visited]


class GatheredBatches(Ordered):
    """Rows that are fetched by their numbers, many batches at a time.

    Args:
        rows: how many there are.
        row_bytes: of the input and the target of one.
        spec: how they become batches.
        buckets: of each row; None where there are none.
    """

    home: torch.device
    """Where rows are fetched."""

    def __init__(
        self, rows: int, row_bytes: int, spec: BatchSpec, buckets: Order | None = None
    ) -> None:
        row_bytes = max(1, row_bytes)
        super().__init__(rows, spec, min(ROWS_AT_ONCE, BLOCK_BYTES // row_bytes), buckets)
        self._gathered: dict[int, Batch] = {}
        self.block = self.batch_size * max(1, BLOCK_BYTES // (row_bytes * self.batch_size))

    def gathered(self, rows: torch.Tensor) -> Batch:
        """The rows of these numbers, fetched for the caller alone."""
        raise NotImplementedError

    def in_order(self, start: int) -> Iterator[Batch]:
        """The batches of all rows as they stand from one on, each in memory of its own."""
        raise NotImplementedError

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """See `Batches`.

        From wherever it starts, each batch lies in memory as in a whole epoch: where it begins, in
        parts of a register, decides how products of it are rounded.
        """
        if start >= len(self):
            return
        orders = self.orders
        if orders.shuffle and orders.epochs_at_once > 1:
            yield from islice(self._split(*self._epoch(number)), start, None)
        elif not orders.shuffle and orders.visited == self.rows:
            yield from self.in_order(start)
        else:
            done, left_out = divmod(start, self.block // self.batch_size)
            for rows in self.order(number, 0).to(self.home).split(self.block)[done:]:
                yield from islice(self._split(*self.gathered(rows)), left_out, None)
                left_out = 0

    def _epoch(self, number: int) -> Batch:
        """The rows of an epoch in its order; for few rows many epochs are gathered at once.

        An epoch is handed out once: whoever asks again gets rows that nobody has written into.
        """
        if number not in self._gathered:
            first, orders = self.orders.block(number)
            visited = self.orders.visited
            x, y = self.gathered(orders[:, 0, :visited].reshape(-1).to(self.home))
            epochs = zip(x.split(visited), y.split(visited), strict=True)
            self._gathered = dict(enumerate(epochs, first))
        return self._gathered.pop(number)

    def _split(self, x: torch.Tensor, y: torch.Tensor) -> Iterator[Batch]:
        """Batches of gathered rows: nobody else reads them, so they are not copied again.

        `.data` gives each a history of its own; autograd would tie the parts of a split together.
        """
        return ((x.data, y.data) for x, y in self.parts(x, y))

    def parts(self, x: torch.Tensor, y: torch.Tensor) -> Iterator[Batch]:
        """Batches of rows that follow each other, on the device."""
        if self.home != self.device:
            x, y = x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)
        return zip(x.split(self.batch_size), y.split(self.batch_size), strict=True)
