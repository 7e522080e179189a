"""A recorder that keeps what runs come to in memory."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.recorder import NullRecorder
from seedbed.training.training import Ended, Training


@dataclass(frozen=True)
class Kept:
    """What a recorder kept of a run.

    Args:
        status: of the run.
        error: of a run that did not complete.
        history: rows by epoch.
        metrics: at its end.
        weights: that it ended with.
        last, best: its checkpoints.
    """

    status: str
    error: str | None
    history: list[dict[str, float]]
    metrics: dict[str, float]
    weights: dict[str, Tensor]
    last: dict[str, Any]
    best: dict[str, Any]


@dataclass
class MemoryRecorder(NullRecorder):
    """Keeps what runs come to in memory, and writes nothing.

    Args:
        runs: that have ended, by number.
        saved: the last checkpoint of each run, where one was due before its end.
        notes: in their order.
    """

    runs: dict[int, Kept] = field(default_factory=dict)
    saved: dict[int, Checkpoint] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def save(self, training: Training) -> None:
        """See `Recorder`."""
        for slot, run in enumerate(training.progress.runs):
            self.saved[run] = training.checkpoint(slot, "last")

    def ended(self, training: Training, ended: Ended) -> None:
        """See `Recorder`."""
        progress = training.progress
        for one in ended.runs:
            run = progress.runs[one.slot]
            self.runs[run] = Kept(
                one.status,
                one.error,
                progress.rows(one.slot),
                dict(one.measured.metrics),
                training.engine.state_dict(one.slot, ended.weights),
                training.checkpoint(one.slot, "last"),
                training.checkpoint(one.slot, "best"),
            )

    def note(self, text: str) -> None:
        """See `Recorder`."""
        self.notes.append(text)
