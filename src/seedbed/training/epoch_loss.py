"""The loss of an epoch, from the losses of its batches."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from seedbed.training.arrays import Column


class EpochLoss:
    """Sums of the losses so far, each times what it counts, and of what they count.

    Numbers of one run are Python's: a small step takes as long as what Python does around it.

    Args:
        slots: how many there are.
        is_sum: whether the loss of a batch is the sum over its rows; the mean otherwise.
    """

    def __init__(self, slots: int, *, is_sum: bool) -> None:
        self.slots = slots
        self.is_sum = is_sum
        self.clear()

    def clear(self) -> None:
        """Another epoch begins."""
        self.total: Any = 0.0 if self.slots == 1 else np.zeros(self.slots)
        self.weight: Any = 0.0 if self.slots == 1 else np.zeros(self.slots)

    def add(self, losses: Tensor, weight: Tensor | int) -> bool:
        """Takes in the losses of a batch, (slots,); whether all are finite."""
        counts = weight.cpu().double().numpy() if isinstance(weight, Tensor) else weight
        if self.slots == 1:
            value = losses.item()
            self.total += value * float(counts)
            self.weight += float(counts)
            return value - value == 0
        values = losses.cpu().double().numpy()
        if isinstance(weight, Tensor):
            with np.errstate(invalid="ignore"):  # infinite times 0
                self.total += values * counts
        else:
            self.total += values * counts
        self.weight += counts
        # What is not finite reaches the sum, which is cheaper than looking at each.
        return math.isfinite(losses.sum().item()) or bool(losses.isfinite().all())

    def add_all(self, losses: Tensor, weight: int) -> bool:
        """Takes in the losses of batches in turn, (batches, slots); none if one is not finite."""
        values = losses.double().numpy()
        if not np.isfinite(values).all():
            return False
        # Accumulated, as `add` does it, and not summed in another order.
        self.total = np.add.accumulate([self.total, *(values * weight)])[-1]
        self.weight += len(values) * weight
        return True

    @property
    def value(self) -> Column:
        """The mean over the rows, or the sum."""
        if self.slots == 1:
            mean = self.total / self.weight if self.weight else math.nan
            return np.array([self.total if self.is_sum else mean])
        with np.errstate(invalid="ignore"):  # of a run that diverged, or of ignored classes alone
            return np.array(self.total if self.is_sum else self.total / self.weight)

    def of(self, slot: int) -> tuple[float, float]:
        """Both sums of a run."""
        return float(np.atleast_1d(self.total)[slot]), float(np.atleast_1d(self.weight)[slot])

    def restore(self, totals: Sequence[float], weights: Sequence[float]) -> None:
        """Goes on where checkpoints stand, one of each slot."""
        one = self.slots == 1
        self.total = float(totals[0]) if one else np.array(totals, dtype=np.float64)
        self.weight = float(weights[0]) if one else np.array(weights, dtype=np.float64)

    def select(self, slots: Sequence[int]) -> None:
        """Goes on with the runs in these slots."""
        totals, weights = np.atleast_1d(self.total), np.atleast_1d(self.weight)
        self.slots = len(slots)
        self.restore(totals[list(slots)], weights[list(slots)])  # type: ignore[arg-type]
