"""Runs in training: the engine that holds their weights, and how far they have come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbed.runs.checkpoint import FORMAT, Checkpoint
from seedbed.runs.status import Status
from seedbed.training.arrays import Column
from seedbed.training.callbacks import Callbacks
from seedbed.training.engine import Engine, Weights, Which
from seedbed.training.progress import Progress
from seedbed.training.progress_states import restore, state_at_best, state_of
from seedbed.training.state import TrainingState

TRAIN = "train/"
PREFIXES = {"validation": "val", "test": "test"}
"""Of the metrics of each split."""


@dataclass(frozen=True)
class Measured:
    """The metrics of a run at its end.

    Args:
        metrics: over every split of the data.
        epochs: of each metric, the one whose weights it measures; 0 for the starting weights.
    """

    metrics: Mapping[str, float]
    epochs: Mapping[str, int]


@dataclass(frozen=True)
class EndedRun:
    """How a run ended.

    Args:
        slot: that it is in until the recorder has heard of it.
        status: completed, diverged or interrupted.
        error: of a run that did not complete.
        measured: its metrics.
    """

    slot: int
    status: Status
    error: str | None
    measured: Measured


@dataclass(frozen=True)
class Ended:
    """Runs that end together.

    Args:
        runs: each of them.
        weights: that `model.pth` will hold, of every slot.
    """

    runs: list[EndedRun]
    weights: Weights


@dataclass
class Training:
    """K runs in training.

    Args:
        engine: their arithmetic.
        progress: how far they have come.
        callbacks: of the user's own; None where there are none, and on ranks beside the first.
    """

    engine: Engine
    progress: Progress
    callbacks: Callbacks | None = None

    def row(self) -> dict[str, Column]:
        """The losses and metrics of the epoch that ends, by column."""
        row = self.progress.train_means()
        if "validation" in self.engine.splits:
            measured = self.engine.evaluate("validation")
            row |= {f"val/{name}": values for name, values in measured.items()}
        return row

    def checkpoint(self, slot: int, which: Which) -> Checkpoint:
        """All that a run needs to go on."""
        progress = self.progress
        state = (state_of if which == "last" else state_at_best)(progress, slot)
        checkpoint: Checkpoint = {
            "format": FORMAT,
            **self.engine.checkpoint(slot, which),
            "state": state.to_plain(),
            "engine": self.engine.name,
        }
        if self.callbacks is not None and which == "last":
            run = progress.runs[slot]
            asked = progress.asked.get(run)
            checkpoint["callbacks"] = {"states": self.callbacks.states(run), "asked": asked}
        return checkpoint

    def restore(self, last: Sequence[Checkpoint], best: Sequence[Checkpoint]) -> None:
        """Goes on from checkpoints, one of each run.

        Raises:
            Exception: of any kind, if they are not of these runs.
        """
        slots = len(self.progress.configs)
        padded = [[*each, *[each[-1]] * (slots - len(each))] for each in (last, best)]
        self.engine.restore(*padded)
        states = [[TrainingState.from_plain(one["state"]) for one in each] for each in padded]
        restore(self.progress, *states)
        for run, one in enumerate(last):
            self._restore_callbacks(run, one.get("callbacks"))

    def _restore_callbacks(self, run: int, kept: Any) -> None:
        """Goes on with what a run's callbacks kept, and with what they asked for."""
        if kept is None:
            return
        if self.callbacks is not None:
            self.callbacks.load(run, kept["states"])
        progress = self.progress
        if isinstance(kept["asked"], str):
            progress.asked[run] = kept["asked"]
            if progress.batch:
                progress.last_step = progress.step

    def select(self, slots: Sequence[int]) -> None:
        """Goes on with the runs in these slots."""
        self.progress.select(self.engine.select(slots))

    def end(self, slots: Sequence[int], stopped: str | None = None) -> Ended:
        """Chooses the weights that each run ends with, and measures them on every split.

        Args:
            slots: of the runs that end.
            stopped: why, where they were interrupted.
        """
        engine, progress = self.engine, self.progress
        errors = [progress.diverged.get(progress.runs[slot]) for slot in slots]
        keep_best = "validation" in engine.splits and progress.trainer.select == "best"
        best = np.zeros(len(progress.configs), dtype=np.bool_)
        for slot, error in zip(slots, errors, strict=True):
            best[slot] = error is not None or bool(keep_best and progress.best.epoch[slot])
        weights = engine.final_weights(best)
        ended: Status = Status.INTERRUPTED if stopped else Status.COMPLETED
        runs = []
        for slot, error, metrics in zip(slots, errors, self._measured(slots, weights), strict=True):
            chosen = progress.best.copied_at[slot] if best[slot] else progress.epoch
            last = progress.epochs_of(slot)  # which measures train/…
            epochs = {one: last if one.startswith(TRAIN) else int(chosen) for one in metrics}
            status: Status = Status.DIVERGED if error else ended
            why = error.error if error else stopped
            if error and engine.anomaly:
                why = f"{why}: {engine.anomaly}"
            runs.append(EndedRun(slot, status, why, Measured(metrics, epochs)))
        return Ended(runs, weights)

    def _measured(self, slots: Sequence[int], weights: Weights) -> list[dict[str, float]]:
        progress = self.progress
        metrics: list[dict[str, float]] = [{} for _ in slots]
        for slot, own in zip(slots, metrics, strict=True):
            if epochs := progress.epochs_of(slot):
                for name, values in progress.history.columns.items():
                    if name.startswith(TRAIN):
                        own[name] = float(values[epochs - 1, progress.runs[slot]])
        for split, prefix in PREFIXES.items():
            if split in self.engine.splits:
                for name, values in self.engine.evaluate(split, weights).items():
                    for slot, own in zip(slots, metrics, strict=True):
                        own[f"{prefix}/{name}"] = float(values[slot])
        return metrics
