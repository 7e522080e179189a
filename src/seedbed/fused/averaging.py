"""The averages of the weights of the runs in a stack: rows like theirs, one operation for all."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.config.schema import TrainerConfig
from seedbed.training.averaging import EMA, SWA, epochs_before, share_of_newest


class StackedAverage:
    """One average in each slot; see `training/averaging.py`.

    Args:
        trainers: of the run in each slot; all select the same.
        rows: of weights, (slots, num_params), whose place an average takes once it holds some.
        counts: how many weights each holds.
    """

    def __init__(
        self, trainers: Sequence[TrainerConfig], rows: Tensor, counts: NDArray[np.int64]
    ) -> None:
        self.trainers = trainers
        self.rows = rows
        self.counts = counts
        self._shares: Tensor | None = None
        self.by_update = trainers[0].select == EMA

    def after_update(self, weights: Tensor) -> None:
        """Takes the weights in, if each update counts."""
        if self.by_update:
            if self._shares is None or self.counts[0] < 2:
                self._shares = self._shares_of(np.ones(len(self.counts), dtype=np.bool_))
            self.rows.lerp_(weights, self._shares)
            self.counts = self.counts + 1

    def after_epoch(self, weights: Tensor, epoch: int) -> None:
        """Takes the weights in of runs in which epochs count and this one does.

        Args:
            weights: of every slot.
            epoch: that ends, from 1.
        """
        taking = np.array([epoch > epochs_before(one) for one in self.trainers])
        if self.trainers[0].select == SWA and taking.any():
            self.rows.lerp_(weights, self._shares_of(taking))
            self.counts = self.counts + taking

    def _shares_of(self, taking: NDArray[np.bool_]) -> Tensor:
        """(slots, 1); nothing of weights that are not taken in."""
        pairs = zip(self.trainers, self.counts.tolist(), strict=True)
        shares = np.where(taking, [share_of_newest(*pair) for pair in pairs], 0.0)
        return torch.from_numpy(shares[:, None]).to(self.rows.dtype).to(self.rows.device)


def averaged(weights: Tensor, rows: Tensor, counts: NDArray[np.int64]) -> Tensor:
    """The averages, and the weights of slots whose average holds none yet."""
    there = torch.from_numpy(counts > 0).to(weights.device)
    return torch.where(there[:, None], rows, weights)
