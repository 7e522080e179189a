"""Where the runs in training stand, as their checkpoints have it; and back."""

from collections.abc import Sequence

import numpy as np

from seedbed.training.progress import Progress
from seedbed.training.state import TrainingState


def state_of(progress: Progress, slot: int) -> TrainingState:
    """Where a run stands now."""
    progress.settle()
    total, seen = progress.loss.of(slot)
    return TrainingState(
        progress.best.of(slot),
        epoch=progress.epoch,
        batch=progress.batch,
        step=progress.step,
        loss_sum=total,
        rows_seen=int(seen) if seen.is_integer() else seen,
        lr=float(progress.rates[slot]),
        history=progress.history.rows(progress.runs[slot], progress.epoch),
        beside_sums=progress.losses.beside.of(slot),
    )


def state_at_best(progress: Progress, slot: int) -> TrainingState:
    """Where a run stood when its best weights were remembered."""
    epoch = int(progress.best.copied_at[slot])
    history = progress.history.rows(progress.runs[slot], epoch)
    return TrainingState(
        progress.best.of(slot, at_best=True),
        epoch=epoch,
        step=int(history[-1]["step"]) if history else 0,
        lr=history[-1]["lr"] if history else 0.0,
        history=history,
    )


def restore(
    progress: Progress, last: Sequence[TrainingState], best: Sequence[TrainingState]
) -> None:
    """Goes on where checkpoints stand, one of each slot and all of one step.

    Raises:
        KeyError: if a history has other columns.
    """
    first = last[0]
    progress.epoch, progress.batch, progress.step = first.epoch, first.batch, first.step
    progress.loss.restore([one.loss_sum for one in last], [one.rows_seen for one in last])
    progress.losses.beside.restore([one.beside_sums for one in last])
    progress.rates = np.array([one.lr for one in last], dtype=np.float64)
    progress.best.restore([one.best for one in last], [one.epoch for one in best])
    progress.history.restore({run: last[run].history for run in progress.runs})
