"""What a run tells while it goes; the command line prints it, a notebook may keep it."""

from typing import Protocol

from seedbed.training.plan import Plan
from seedbed.training.state import HistoryRow


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

    def ended(self) -> None:
        """Nothing."""
