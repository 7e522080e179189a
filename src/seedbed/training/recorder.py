"""What the loop tells of runs in training, and who listens: nobody, or a record in memory.

`recording/directory.py` has the third recorder, which writes run directories.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.interval import MANY
from seedbed.training.state import HistoryRow
from seedbed.training.training import Ended, Training


class Recorder(Protocol):
    """Hears what happens to runs in training."""

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """The first step comes next; `resumed` are the checkpoints that the runs go on from."""
        ...

    def steps_left(self, step: int) -> int:
        """How many steps may be made before it must hear of one, `step` steps into the runs."""
        ...

    def step(self, training: Training) -> None:
        """A step was made, or several of which none had to be heard."""
        ...

    def epoch(self, training: Training) -> None:
        """An epoch was closed."""
        ...

    def save(self, training: Training) -> None:
        """A checkpoint of every run is due."""
        ...

    def ended(self, training: Training, ended: Ended) -> None:
        """Runs have come to their end; they leave the training after this."""
        ...

    def note(self, text: str) -> None:
        """Something a person should know, said once."""
        ...


class NullRecorder:
    """Keeps nothing."""

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """Nothing."""

    def steps_left(self, step: int) -> int:
        """See `Recorder`."""
        return MANY

    def step(self, training: Training) -> None:
        """Nothing."""

    def epoch(self, training: Training) -> None:
        """Nothing."""

    def save(self, training: Training) -> None:
        """Nothing."""

    def ended(self, training: Training, ended: Ended) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


@dataclass(frozen=True)
class RememberedRun:
    """What a run came to.

    Args:
        status: completed, diverged or interrupted.
        error: of a run that did not complete.
        history: a row for each epoch.
        metrics: at its end.
        weights: the `state_dict` that it ends with.
        last, best: its checkpoints.
    """

    status: str
    error: str | None
    history: list[HistoryRow]
    metrics: dict[str, float]
    weights: dict[str, Tensor]
    last: Checkpoint
    best: Checkpoint


@dataclass
class MemoryRecorder(NullRecorder):
    """Keeps what runs come to in memory, and writes nothing.

    Args:
        runs: that have ended, by number.
        saved: the last checkpoint of each run, where one was due before its end.
        notes: in their order.
    """

    runs: dict[int, RememberedRun] = field(default_factory=dict)
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
            self.runs[run] = RememberedRun(
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


class Forwarding:
    """Hands everything on to another recorder; a base for those that only add something.

    Args:
        recorder: hears the same.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """See `Recorder`."""
        self.recorder.begin(training, resumed)

    def steps_left(self, step: int) -> int:
        """See `Recorder`."""
        return self.recorder.steps_left(step)

    def step(self, training: Training) -> None:
        """See `Recorder`."""
        self.recorder.step(training)

    def epoch(self, training: Training) -> None:
        """See `Recorder`."""
        self.recorder.epoch(training)

    def save(self, training: Training) -> None:
        """See `Recorder`."""
        self.recorder.save(training)

    def ended(self, training: Training, ended: Ended) -> None:
        """See `Recorder`."""
        self.recorder.ended(training, ended)

    def note(self, text: str) -> None:
        """See `Recorder`."""
        self.recorder.note(text)
