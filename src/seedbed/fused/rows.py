"""The batches of a stack: each run's own rows in its own order, gathered for all at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from seedbed.config.schema import LoaderConfig
from seedbed.data.batches import rows_a_batch
from seedbed.data.seeds import permutations, stream_seed

GATHERED_BYTES = 2**20
"""How much is gathered at once; then split into batches without copying. Larger batches come one at
a time, all laid out alike, so that fewer steps are written out."""

ORDERED_ROWS = 2**20
"""Orders are drawn for as many epochs at once as keep below this many rows over all runs."""


class NotAlikeError(Exception):
    """Runs that cannot be stacked after all; the text says why."""


@dataclass(frozen=True)
class Table:
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
        return self.rows == len(self.x)

    @property
    def row_bytes(self) -> int:
        """Of one row."""
        return max(1, self.x[0].nbytes + self.y[0].nbytes)

    def keep(self, places: Tensor) -> "Table":
        """Of some of the runs."""
        return Table(self.x, self.y, self.rows, self.starts[places])

    def rows_of_all(self, rows: Tensor, runs: int) -> tuple[Tensor, Tensor]:
        """The same row numbers for every run.

        Shape:
            rows (n,) -> x and y (runs, n, …)
        """
        x, y = self.taken(rows if self.shared else rows.expand(runs, -1))
        if self.shared:
            x, y = x.expand(runs, *x.shape), y.expand(runs, *y.shape)
        return x, y

    def taken(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Rows by number.

        Shape:
            rows (runs, n) or, where all runs see the same, (n,) -> x and y (runs, n, …) or (n, …)
        """
        if rows.ndim == 2 and not self.shared:
            rows = rows + self.starts[:, None]
        flat = rows.reshape(-1)
        x, y = self.x.index_select(0, flat), self.y.index_select(0, flat)
        return x.unflatten(0, rows.shape), y.unflatten(0, rows.shape)


def table_of(parts: Sequence[TensorDataset], which: Sequence[int], device: torch.device) -> Table:
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
    return Table(x, y, rows, torch.tensor(which, device=device) * rows)


class StackedBatches:
    """Batches of the training rows for every run.

    Args:
        table: the training rows.
        loader: of all runs.
        seeds: of each run.
    """

    def __init__(self, table: Table, loader: LoaderConfig, seeds: Sequence[int]) -> None:
        self.table = table
        self.shuffle = loader.shuffle
        self.batch_size = rows_a_batch(loader.batch_size, table.rows)
        whole, rest = divmod(table.rows, self.batch_size)
        self.batches = whole + (rest > 0 and not loader.drop_last)
        self.seeds = list(seeds)
        self._drawn: tuple[int, int, Tensor] = (0, 0, torch.empty(0))

    @property
    def alike(self) -> bool:
        """Whether all runs see the same rows in the same order."""
        return self.table.shared and (not self.shuffle or len(set(self.seeds)) == 1)

    def keep(self, places: Sequence[int]) -> None:
        """Goes on with some of the runs."""
        self.table = self.table.keep(torch.tensor(places, device=self.table.x.device))
        self.seeds = [self.seeds[place] for place in places]
        self._drawn = (0, 0, torch.empty(0))
        vars(self).pop("_own", None)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch, from the one numbered `start`.

        Shape:
            x (runs, batch, …) and y (runs, batch, …)
        """
        if start >= self.batches:
            return
        size = self.batch_size
        visited = min(self.batches * size, self.table.rows)
        order = self._order(number)[..., start * size : visited].to(self.table.x.device)
        runs = 1 if order.ndim == 1 else len(order)
        at_once = size * max(1, GATHERED_BYTES // (runs * self.table.row_bytes * size))
        for part in order.split(at_once, dim=-1):
            x, y = self.table.taken(part)
            if part.ndim == 1:
                x, y = (one.expand(len(self.seeds), *one.shape) for one in (x, y))
            yield from zip(x.split(size, 1), y.split(size, 1), strict=True)

    def _order(self, number: int) -> Tensor:
        """Row numbers of every run, (runs, rows); of all alike, (rows,)."""
        rows = self.table.rows
        if not self.shuffle:
            order = torch.arange(rows)
            return order if self.alike else order.expand(len(self.seeds), rows)
        first, epochs, orders = self._drawn
        if not first <= number < first + epochs:
            distinct = list(dict.fromkeys(self.seeds))
            epochs = max(1, min(64, ORDERED_ROWS // (rows * len(distinct))))
            orders = self._orders(distinct, number, epochs)
            first = number
            self._drawn = (first, epochs, orders)
        order = orders[number - first]
        if self.alike:
            return order[0]
        return order if len(order) == len(self.seeds) else order[self._own]

    @cached_property
    def _own(self) -> Tensor:
        """Which of the distinct seeds each run has."""
        place = {seed: at for at, seed in enumerate(dict.fromkeys(self.seeds))}
        return torch.tensor([place[seed] for seed in self.seeds])

    def _orders(self, distinct: Sequence[int], first: int, epochs: int) -> Tensor:
        """Of `epochs` epochs, (epochs, distinct seeds, rows)."""
        keys = [
            stream_seed(seed, "order", epoch)
            for epoch in range(first, first + epochs)
            for seed in distinct
        ]
        drawn = permutations(keys, self.table.rows)
        return torch.from_numpy(drawn.reshape(epochs, len(distinct), -1))
