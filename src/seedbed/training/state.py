"""Where one run stands, as its checkpoints have it beside the tensors."""

import math
from dataclasses import dataclass, field
from typing import Any

HistoryRow = dict[str, float]


@dataclass(frozen=True)
class Monitor:
    """The column of the history by which the best epoch is chosen.

    Args:
        name: of the column.
        higher_is_better: of its values.
    """

    name: str
    higher_is_better: bool


@dataclass
class Best:
    """The best epoch of a run so far.

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


@dataclass
class TrainingState:
    """How far the training of a run has come.

    Args:
        best: the best epoch so far.
        epoch: finished epochs.
        batch: finished batches of the epoch after those.
        step: updates of the weights.
        loss_sum: of those batches, each times what it counts.
        rows_seen: what those batches count together; their rows, with most losses.
        lr: learning rate of the last step.
        history: one row for each finished epoch.
        beside_sums: as `loss_sum`, of what a step of the user's own gives beside the loss.
    """

    best: Best
    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    rows_seen: float = 0
    lr: float = 0.0
    history: list[HistoryRow] = field(default_factory=list)
    beside_sums: dict[str, float] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """Plain containers, for a checkpoint."""
        plain = {**vars(self), "best": dict(vars(self.best))}
        if not self.beside_sums:
            del plain["beside_sums"]
        return plain

    @classmethod
    def from_plain(cls, plain: Any) -> "TrainingState":
        """The state in a checkpoint, which may come from a stranger.

        Raises:
            KeyError, TypeError, ValueError: if it is not one.
        """
        state = cls(**{**plain, "best": Best(**plain["best"])})
        counts = (state.epoch, state.batch, state.step, state.best.epoch)
        if any(type(count) is not int or count < 0 for count in (*counts, state.best.epochs_since)):
            raise TypeError("its counts must be whole numbers >= 0")
        if not isinstance(state.beside_sums, dict):
            raise TypeError("its sums must have names")
        sums = state.beside_sums.values()
        numbers = (state.loss_sum, state.rows_seen, state.lr, state.best.value, *sums)
        if not all(type(number) in (int, float) for number in numbers):
            raise TypeError("its losses must be numbers")
        if not state.rows_seen >= 0:
            raise ValueError("rows_seen must be >= 0")
        if not isinstance(state.history, list) or len(state.history) != state.epoch:
            raise ValueError("its history must have a row for each epoch")
        for row in state.history:
            if not isinstance(row, dict) or any(type(v) not in (int, float) for v in row.values()):
                raise TypeError("a row of its history must hold numbers")
        return state
