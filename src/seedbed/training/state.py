"""Where a training stands: what a checkpoint holds beside the tensors."""

import math
from dataclasses import dataclass, field
from typing import Any

HistoryRow = dict[str, float]


@dataclass
class Best:
    """The best epoch so far by the monitored value.

    An epoch whose value is NaN or infinite is never the best; early stopping counts it as one
    without a better value.

    Args:
        monitor: column of the history.
        higher_is_better: of that column.
        min_delta: least change that counts.
        value: of the best epoch.
        epoch: the best one, from 1; 0 while there is none.
        epochs_since: without a better value.
    """

    monitor: str
    higher_is_better: bool
    min_delta: float
    value: float = math.nan
    epoch: int = 0
    epochs_since: int = 0

    def update(self, row: HistoryRow) -> bool:
        """Takes in an epoch; whether it is the best so far."""
        value = row[self.monitor]
        gain = value - self.value if self.higher_is_better else self.value - value
        first = not self.epoch or not math.isfinite(self.value)
        if math.isfinite(value) and (first or gain > self.min_delta):
            self.value, self.epoch, self.epochs_since = value, int(row["epoch"]), 0
            return True
        self.epochs_since += 1
        return False


@dataclass
class TrainingState:
    """How far a training has come.

    Args:
        best: the best epoch so far.
        epoch: finished epochs.
        batch: finished batches of the epoch after those.
        step: updates of the weights.
        loss_sum: of those batches, each times what it counts.
        rows_seen: what those batches count together; their rows, with most losses.
        lr: learning rate of the last step.
        history: one row for each finished epoch.
    """

    best: Best
    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    rows_seen: float = 0
    lr: float = 0.0
    history: list[HistoryRow] = field(default_factory=list)

    def add_batch(self, loss: float, weight: float) -> None:
        """Takes in the loss of a batch, and what it counts."""
        self.loss_sum += loss * weight
        self.rows_seen += weight

    def close_epoch(self, *, is_sum: bool = False) -> float:
        """Ends an epoch; the mean of its losses, or their sum."""
        loss = self.loss_sum if is_sum else self.loss_sum / self.rows_seen
        self.epoch, self.batch = self.epoch + 1, 0
        self.loss_sum, self.rows_seen = 0.0, 0
        return loss

    def to_plain(self) -> dict[str, Any]:
        """Plain containers, for a checkpoint; rows of the history are shared, as none changes."""
        return {**vars(self), "best": dict(vars(self.best)), "history": list(self.history)}


class Diverged(Exception):
    """The loss or a weight became NaN or infinite."""

    def __init__(self, what: str, step: int, epoch: int, batch: int, lr: float) -> None:
        super().__init__(f"{what} at step {step} (epoch {epoch}, batch {batch}, lr {lr:g})")


class Interrupted(Exception):
    """The user asked the run to stop."""
