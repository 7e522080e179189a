"""What a run tells while it goes: `run.log` has it, the command line prints it."""

import logging
import time
from dataclasses import dataclass
from typing import Protocol

from seedbed.training.plan import Plan
from seedbed.training.state import HistoryRow

log = logging.getLogger("seedbed")

LINES = 10
"""About how many lines a run has where there is no terminal."""

LINE_SECONDS = 30.0
"""A line is told at least this often, for epochs that take long."""


class Reporter(Protocol):
    """Hears of a run's progress."""

    def started(self, plan: Plan) -> None:
        """The first step comes next."""
        ...

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        """A step was made; called at most a few times a second.

        Args:
            epoch: finished epochs.
            batch: finished batches of the next one.
            batches: in an epoch.
        """
        ...

    def epoch_done(self, row: HistoryRow) -> None:
        """An epoch ended, with this row of the history."""
        ...

    def note(self, text: str) -> None:
        """Something a person should know, said once."""
        ...

    def ended(self) -> None:
        """No more steps."""
        ...


class Silent:
    """Says nothing."""

    def started(self, plan: Plan) -> None:
        """Nothing."""

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        """Nothing."""

    def epoch_done(self, row: HistoryRow) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""


class Notes(Silent):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """See `Reporter`."""
        self.notes.append(text)


class Logged:
    """Writes to `run.log` what a run tells, at the epochs that a terminal shows, and passes it on.

    Args:
        reporter: hears the same.
    """

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    def started(self, plan: Plan) -> None:
        """See `Reporter`."""
        self.epochs = plan.config.trainer.epochs
        self.shown = ShownEpochs(self.epochs)
        for note in plan.notes:
            log.info("note: %s", note)
        log.info(introduction(plan))
        self.reporter.started(plan)

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        """See `Reporter`."""
        self.reporter.batch_done(epoch, batch, batches)

    def epoch_done(self, row: HistoryRow) -> None:
        """See `Reporter`."""
        if self.shown.due(int(row["epoch"])):
            log.info(epoch_text(row, self.epochs))
        self.reporter.epoch_done(row)

    def note(self, text: str) -> None:
        """See `Reporter`."""
        log.info("note: %s", text)
        self.reporter.note(text)

    def ended(self) -> None:
        """See `Reporter`."""
        self.reporter.ended()


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


def introduction(plan: Plan) -> str:
    """What is trained, on what, and for how long."""
    config, preprocessing = plan.config, plan.data.preprocessing
    kind: str = preprocessing.task
    if preprocessing.classes:
        kind = f"{len(preprocessing.classes)} classes"
    held_out = "".join(f", {batches.rows} for {name}" for name, batches in plan.parts.items())
    loss = plan.engine.head.loss_name.rpartition(".")[2]
    optimizer = type(plan.engine.optimizer).__name__
    return (
        f"{plan.train.rows} rows to train on{held_out} ({kind}); {loss}, {optimizer}; "
        f"{_counted(config.trainer.epochs, 'epoch')} of "
        f"{_counted(len(plan.train), 'batch', 'batches')} on {plan.engine.device}"
    )


def _counted(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"
