"""What the loop tells of runs in training; `recording/directory.py` writes it down."""

from collections.abc import Sequence
from typing import Protocol

from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.interval import MANY
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
