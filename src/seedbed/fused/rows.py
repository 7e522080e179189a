"""The batches of a stack: each run's own rows in its own order, gathered for all at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from seedbed.data.orders import RowOrders

Batch = tuple[Tensor, Tensor]
"""Inputs and targets of every run."""

GATHERED_BYTES = 2**20
"""How much is gathered at once; then split into batches without copying. Larger batches come one at
a time, all laid out alike, so that fewer steps are written out."""


class NotAlikeError(Exception):
    """Runs that cannot be stacked after all; the text says why."""


@dataclass(frozen=True)
class StackedRows:
    """The same part of the data for every run of a stack.

    Args:
        x: of all distinct preparations, one after the other.
        y: likewise.
        rows: in one of them.
        starts: row at which each run's own begins.
    """

    x: Tensor
    y: Tensor
    rows: int
    starts: Tensor

    @property
    def shared(self) -> bool:
        """Whether all runs have the same rows."""
        return self.rows == len(self.y)

    @property
    def changes(self) -> bool:
        """Whether training changes rows at random, by each run's seed."""
        return False

    @property
    def row_bytes(self) -> int:
        """Of one row."""
        return max(1, self.x[0].nbytes + self.y[0].nbytes)

    @property
    def held_bytes(self) -> int:
        """What the rows of a run take that no other run has."""
        return self.rows * self.row_bytes

    def keep(self, places: Tensor) -> "StackedRows":
        """Of some of the runs."""
        return StackedRows(self.x, self.y, self.rows, self.starts[places])

    def pieces(self, size: int) -> Iterator[Batch]:
        """All rows as they stand, some at a time.

        Shape:
            x and y (runs, size, …)
        """
        runs = len(self.starts)
        for rows in torch.arange(self.rows, device=self.x.device).split(size):
            x, y = self.taken(rows if self.shared else rows.expand(runs, -1))
            if self.shared:
                x, y = x.expand(runs, *x.shape), y.expand(runs, *y.shape)
            yield x, y

    def batch(self, rows: Tensor, epoch: int, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Rows by number, as they are trained on in an epoch by runs of these seeds; see `taken`.

        Args:
            rows: their numbers.
            epoch: from 0.
            seeds: of the runs, which decide what is drawn for rows that change.
        """
        return self.taken(rows)

    def taken(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Rows by number.

        Shape:
            rows (runs, n) or, where all runs see the same, (n,) -> x and y (runs, n, …) or (n, …)
        """
        if rows.ndim == 2 and not self.shared:
            rows = rows + self.starts[:, None]
        flat = rows.reshape(-1)
        x, y = self._inputs(flat), self.y.index_select(0, flat)
        return x.unflatten(0, rows.shape), y.unflatten(0, rows.shape)

    def _inputs(self, rows: Tensor) -> Tensor:
        """Of rows by their numbers among those of all preparations."""
        return self.x.index_select(0, rows)


def table_of(
    parts: Sequence[TensorDataset], which: Sequence[int], device: torch.device
) -> StackedRows:
    """A table on the device.

    Args:
        parts: distinct preparations, of equal length.
        which: the one of each run.
        device: where it is used.

    Raises:
        NotAlikeError: if the preparations differ in rows or widths, as categories may make them.
    """
    tensors = [part.tensors for part in parts]
    if len({(x.shape, y.shape) for x, y in tensors}) > 1:
        raise NotAlikeError("the splits of their seeds give rows of different number or width")
    x, y = (torch.cat([pair[side] for pair in tensors]).to(device) for side in (0, 1))
    rows = len(parts[0])
    return StackedRows(x, y, rows, torch.tensor(which, device=device) * rows)


class StackedBatches:
    """Batches of the training rows for every run.

    Args:
        table: the training rows.
        orders: in which each run sees them.
    """

    def __init__(self, table: StackedRows, orders: RowOrders) -> None:
        self.table, self.orders = table, orders
        self.batch_size, self.batches = orders.batch_size, orders.batches

    @property
    def alike(self) -> bool:
        """Whether all runs see the same rows in the same order, changed in the same way."""
        same = self.table.shared and self.orders.alike
        return same and (not self.table.changes or len(set(self.orders.seeds)) == 1)

    def keep(self, slots: Sequence[int]) -> None:
        """Goes on with the runs in these slots."""
        self.table = self.table.keep(torch.tensor(slots, device=self.table.x.device))
        self.orders.select([self.orders.seeds[slot] for slot in slots])

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the one numbered `start`.

        Shape:
            x (runs, batch, …) and y (runs, batch, …)
        """
        if start >= self.batches:
            return
        size, runs = self.batch_size, len(self.orders.seeds)
        order = self.orders.of(number)[..., start * size : self.orders.visited]
        if order.ndim == 1 and not self.alike:
            order = order.expand(runs, -1)
        order = order.to(self.table.x.device)
        distinct = 1 if order.ndim == 1 else runs
        at_once = size * max(1, GATHERED_BYTES // (distinct * self.table.row_bytes * size))
        for part in order.split(at_once, dim=-1):
            x, y = self.table.batch(part, number, self.orders.seeds)
            if part.ndim == 1:
                x, y = (one.expand(runs, *one.shape) for one in (x, y))
            yield from zip(x.split(size, 1), y.split(size, 1), strict=True)
