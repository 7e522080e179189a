"""Which epoch of each run was the best so far, and for how long none was better."""

import math
from collections.abc import Sequence

import numpy as np

from seedbed.config.schema import RunConfig
from seedbed.training.arrays import NO, YES, Column, Mask
from seedbed.training.state import Best, Monitor


class BestEpochs:
    """The best epochs, as arrays of one value per slot.

    Args:
        configs: of the run in each slot.
        monitor: the column that decides.
    """

    def __init__(self, configs: Sequence[RunConfig], monitor: Monitor) -> None:
        self.monitor = monitor
        slots = len(configs)
        self.value = np.full(slots, np.nan)
        self.epoch, self.epochs_since, self.copied_at = np.zeros((3, slots), dtype=np.int64)
        deltas = [config.trainer.early_stopping.min_delta for config in configs]
        self.min_delta = np.array(deltas, dtype=np.float64)

    def update(self, values: Column, epoch: int, finite: Mask) -> Mask:
        """Takes in the monitored value of the epoch just closed.

        A value that is NaN or infinite is never the best; early stopping counts its epoch as one
        without a better value.

        Args:
            values: of each slot.
            epoch: finished epochs.
            finite: slots that have not diverged; the others stay as they are.

        Returns:
            The slots whose weights are to be remembered: the best so far, and while a run has no
            best epoch, the latest.
        """
        if len(values) == 1:
            return self._update_one(float(values[0]), epoch, alive=bool(finite[0]))
        with np.errstate(invalid="ignore"):  # infinite less infinite
            gain = values - self.value
        gain = gain if self.monitor.higher_is_better else -gain
        # The first finite value has no gain that is a number.
        better = finite & np.isfinite(values) & ~(gain <= self.min_delta)
        self.epochs_since += finite
        pairs = ((self.value, values), (self.epoch, epoch), (self.epochs_since, 0))
        for column, value in pairs:
            np.copyto(column, value, where=better)
        due: Mask = better | (finite & (self.epoch == 0))
        np.copyto(self.copied_at, epoch, where=due)
        return due

    def _update_one(self, value: float, epoch: int, *, alive: bool) -> Mask:
        """The same of one run, whose epochs may be as short as a dozen operations on arrays."""
        gain = value - float(self.value[0])
        gain = gain if self.monitor.higher_is_better else -gain
        better = alive and math.isfinite(value) and not gain <= float(self.min_delta[0])
        if better:
            self.value[0], self.epoch[0], self.epochs_since[0] = value, epoch, 0
        elif alive:
            self.epochs_since[0] += 1
        due = better or (alive and not self.epoch[0])
        if due:
            self.copied_at[0] = epoch
        return YES if due else NO

    def of(self, slot: int, *, at_best: bool = False) -> Best:
        """Of one run; `at_best` is as it stood when its weights were remembered."""
        epoch, since = int(self.epoch[slot]), int(self.epochs_since[slot])
        if at_best:
            since = 0 if epoch else int(self.copied_at[slot])
        name, higher = self.monitor.name, self.monitor.higher_is_better
        return Best(
            name, higher, float(self.min_delta[slot]), float(self.value[slot]), epoch, since
        )

    def restore(self, last: Sequence[Best], copied_at: Sequence[int]) -> None:
        """Goes on where checkpoints stand, one of each slot."""
        self.value = np.array([one.value for one in last], dtype=np.float64)
        self.epoch = np.array([one.epoch for one in last])
        self.epochs_since = np.array([one.epochs_since for one in last])
        self.copied_at = np.array(copied_at)

    def select(self, slots: Sequence[int]) -> None:
        """Goes on with the runs in these slots."""
        for name in ("value", "epoch", "epochs_since", "copied_at", "min_delta"):
            setattr(self, name, getattr(self, name)[list(slots)])
