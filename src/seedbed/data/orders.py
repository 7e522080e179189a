"""Which rows make up the batches of an epoch, in which order: for one run, or many at once."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from seedbed.config.schema import LoaderConfig
from seedbed.data.batch_sizes import batches_of, rows_a_batch
from seedbed.data.buckets import bucketed
from seedbed.data.seeds import Order, permutations, stream_seeds

MOST_EPOCHS = 64
"""Whose orders are drawn at once; for few rows that is faster."""


class RowOrders:
    """The orders of the training rows of runs that have equally many.

    Args:
        rows: to train on.
        loader: of all runs.
        seeds: of each run.
        most_rows: orders are drawn for as many epochs at once as keep below this over all runs.
        epochs: that are to come, about; none is drawn in vain then.
        limit: batches of each epoch that are visited, of its order the first; None for all.
        buckets: of each row, whose rows share batches; None where any may.
    """

    def __init__(
        self,
        rows: int,
        loader: LoaderConfig,
        seeds: Sequence[int],
        most_rows: int,
        epochs: int = MOST_EPOCHS,
        limit: int | None = None,
        buckets: Order | None = None,
    ) -> None:
        self.rows = rows
        self.buckets = buckets
        self.shuffle = loader.shuffle
        self.batch_size = rows_a_batch(loader.batch_size, rows)
        self.batches = batches_of(loader, rows, limit)
        self.visited = min(self.batches * self.batch_size, rows)
        self.most_rows = most_rows
        self.epochs = max(1, epochs)
        self.select(seeds)

    def select(self, seeds: Sequence[int]) -> None:
        """Goes on with runs of these seeds."""
        self.seeds = list(seeds)
        self._distinct = list(dict.fromkeys(seeds))
        index = {seed: slot for slot, seed in enumerate(self._distinct)}
        self._own = torch.tensor([index[seed] for seed in seeds])
        over_all = self.rows * len(self._distinct)
        most = max(1, min(MOST_EPOCHS, self.most_rows // over_all))
        self.epochs_at_once = math.ceil(self.epochs / math.ceil(self.epochs / most))
        self._drawn = (-1, torch.empty(0))

    @property
    def alike(self) -> bool:
        """Whether all runs have one order."""
        return not self.shuffle or len(self._distinct) == 1

    def of(self, epoch: int) -> Tensor:
        """Row numbers in the order of their visit.

        Shape:
            (runs, rows) int64, or (rows,) where all runs have one order
        """
        if not self.shuffle:
            return torch.arange(self.rows)
        first, orders = self.block(epoch)
        order = orders[epoch - first]
        if self.alike:
            return order[0]
        return order if len(self._distinct) == len(self.seeds) else order[self._own]

    def block(self, epoch: int) -> tuple[int, Tensor]:
        """The orders of epochs that are drawn together, and the first of these.

        Shape:
            (epochs, distinct seeds, rows) int64
        """
        number = epoch // self.epochs_at_once
        first = number * self.epochs_at_once
        if self._drawn[0] != number:
            epochs = range(first, first + self.epochs_at_once)
            keys = stream_seeds(self._distinct, "order", epochs)
            drawn = permutations(keys.T.reshape(-1), self.rows)
            if self.buckets is not None:
                drawn = self._bucketed(drawn, epochs)
            shape = (self.epochs_at_once, len(self._distinct), self.rows)
            self._drawn = (number, torch.from_numpy(drawn.reshape(shape)))
        return first, self._drawn[1]

    def _bucketed(self, drawn: Order, epochs: Sequence[int]) -> Order:
        """Orders of epochs, of each seed one after the other, by buckets."""
        assert self.buckets is not None
        keys = stream_seeds(self._distinct, "buckets", epochs).T.reshape(-1).tolist()
        each = zip(drawn, keys, strict=True)
        return np.stack([bucketed(one, self.buckets, self.batch_size, key) for one, key in each])
