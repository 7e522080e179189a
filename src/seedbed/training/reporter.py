"""What a run reports while it goes: the command line prints it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from seedbed.config.hints import counted
from seedbed.config.task_names import MULTILABEL
from seedbed.runs.checkpoint import Checkpoint
from seedbed.tasks.class_weights import weights_text
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.run_components import RunComponents
from seedbed.training.state import HistoryRow
from seedbed.training.training import Training

REPORT_SECONDS = 0.1
"""Least time between two reports of progress within an epoch."""

LINES = 10
"""About how many lines a run has where there is no terminal."""

LINE_SECONDS = 30.0
"""A line is told at least this often, for epochs that take long."""


class Reporter:
    """Hears of a run's progress, and says nothing; what shows it inherits."""

    def started(self, plan: RunComponents) -> None:
        """The first step comes next."""

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        """A step was made; called at most a few times a second.

        Args:
            epoch: finished epochs.
            batch: finished batches of the next one.
            batches: in an epoch.
        """

    def epoch_done(self, row: HistoryRow) -> None:
        """An epoch ended, with this row of the history."""

    def note(self, text: str) -> None:
        """Something a person should know, said once."""

    def ended(self) -> None:
        """No more steps."""


class Notes(Reporter):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """See `Reporter`."""
        self.notes.append(text)


class Reported(Forwarding):
    """Tells a reporter how a run by itself goes on.

    Args:
        recorder: hears the same.
        reporter: hears of steps a few times a second.
        plan: of the run.
    """

    def __init__(self, recorder: Recorder, reporter: Reporter, plan: RunComponents) -> None:
        super().__init__(recorder)
        self.reporter = reporter
        self.plan = plan
        self._begun = False
        self._reported = time.monotonic()

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """See `Recorder`."""
        super().begin(training, resumed)
        self.reporter.started(self.plan)
        self._begun = True

    def close(self) -> None:
        """There are no more steps, whatever came."""
        if self._begun:
            self.reporter.ended()

    def step(self, training: Training) -> None:
        """See `Recorder`."""
        self.recorder.step(training)
        if time.monotonic() - self._reported > REPORT_SECONDS:
            progress = training.progress
            self.reporter.batch_done(progress.epoch, progress.batch, progress.batches_now)
            self._reported = time.monotonic()

    def epoch(self, training: Training) -> None:
        """See `Recorder`."""
        self.recorder.epoch(training)
        self.reporter.epoch_done(training.progress.last_row())
        self._reported = time.monotonic()

    def note(self, text: str) -> None:
        """See `Recorder`."""
        self.recorder.note(text)
        self.reporter.note(text)


@dataclass
class ShownEpochs:
    """Which epochs have a line: the first, every tenth part, the last, and one each half minute.

    Args:
        epochs: of the run.
    """

    epochs: int

    def __post_init__(self) -> None:
        self._told = time.monotonic()

    def due(self, epoch: int) -> bool:
        """Whether this one, which just ended, is to be told."""
        every = max(1, self.epochs // LINES)
        now = time.monotonic()
        late = now - self._told > LINE_SECONDS
        if late or epoch in (1, self.epochs) or epoch % every == 0:
            self._told = now
            return True
        return False


def epoch_text(row: HistoryRow, epochs: int) -> str:
    """The line of an epoch.

    Args:
        row: of the history.
        epochs: of the run.
    """
    width, epoch = len(str(epochs)), int(row["epoch"])
    metrics = "  ".join(f"{name} {value:.5g}" for name, value in row.items() if "/" in name)
    return f"epoch {epoch:>{width}}/{epochs}  {metrics}  lr {row['lr']:.3g}"


def introduction(plan: RunComponents) -> str:
    """What is trained, on what, and for how long."""
    config, preprocessing = plan.config, plan.data.preprocessing
    kind: str = plan.head.task.name
    if preprocessing.classes:
        kind = f"{len(preprocessing.classes)} classes"
    elif kind == MULTILABEL:
        kind = counted(preprocessing.outputs, "label")
    held_out = "".join(f", {batches.rows} for {name}" for name, batches in plan.splits.items())
    loss = plan.head.loss_name.rpartition(".")[2]
    loss += weights_text(
        plan.head.loss_function, preprocessing.classes or preprocessing.output_names
    )
    if plan.step is not None:
        loss = f"the step {plan.step.target}"
    optimizer = type(plan.optimizer).__name__
    return (
        f"{counted(plan.train.rows, 'row')} to train on{held_out} ({kind}); {loss}, {optimizer}; "
        f"{counted(config.trainer.epochs, 'epoch')} of "
        f"{counted(len(plan.train), 'batch', 'batches')} on {plan.device}"
    )
