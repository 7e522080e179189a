"""Where an operation says what a person should know: nowhere, or on standard output."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.remote.places import shown
from seedbed.runs.layout import RunPaths
from seedbed.sweep.outcome import JobState, SweepState
from seedbed.sweep.progress import SweepProgress

if TYPE_CHECKING:
    from seedbed.training.reporter import Reporter
    from seedbed.training.run_components import RunComponents


@dataclass(frozen=True)
class Trained:
    """A run that ended by itself: completed, diverged or interrupted.

    Args:
        result: content of `result.json`.
        paths: of the run.
        plan: that was trained; its model has the final weights.
        was_put_back: whether it was made longer, which came to nothing, and is what it was.
        told_elsewhere: whether another rank of the run says how it ended.
    """

    result: dict[str, Any]
    paths: RunPaths
    plan: "RunComponents"
    was_put_back: bool = False
    told_elsewhere: bool = False

    @property
    def status(self) -> str:
        """How it ended."""
        return str(self.result["status"])


class Messages:
    """Hears what an operation says, and says nothing; what prints it inherits.

    Attributes:
        hidden: beginning of the metrics that are not told of each job; empty for none.
    """

    hidden = ""

    def line(self, text: str) -> None:
        """A line for a person."""

    def note(self, text: str) -> None:
        """What a person should know."""
        self.line(f"note: {text}")

    def error(self, text: str) -> None:
        """What went wrong in something that goes on all the same."""

    def run_progress(self) -> "Reporter":
        """Hears of the progress of one run."""
        from seedbed.training.reporter import Reporter

        return Reporter()

    def sweep_progress(self, monitor: str, jobs: Sequence[JobState]) -> SweepProgress:
        """Hears of the progress of a sweep.

        Args:
            monitor: `trainer.monitor`, by which the best job is told.
            jobs: of the sweep.
        """
        return SweepProgress()

    def run_ended(self, trained: Trained) -> None:
        """A run ended by itself."""

    def sweep_ended(self, sweep: SweepState, monitor: str) -> None:
        """A sweep ended.

        Args:
            sweep: with the metrics of its jobs.
            monitor: `trainer.monitor`, by which its jobs are compared.
        """


class Printed(Messages):
    """Says everything on standard output, errors on standard error."""

    def line(self, text: str) -> None:
        """See `Messages`."""
        print(text)

    def error(self, text: str) -> None:
        """See `Messages`."""
        print(f"error: {text}", file=sys.stderr)

    def run_progress(self) -> "Reporter":
        """See `Messages`."""
        if sys.stdout.isatty():
            from seedbed.api.run_bar import RunBar

            return RunBar()
        from seedbed.api.run_lines import RunLines

        return RunLines()

    def sweep_progress(self, monitor: str, jobs: Sequence[JobState]) -> SweepProgress:
        """See `Messages`."""
        if sys.stdout.isatty():
            from seedbed.api.sweep_display import SweepDisplay

            return SweepDisplay(monitor, jobs=jobs)
        from seedbed.api.sweep_lines import SweepLines

        return SweepLines(monitor, jobs, self.hidden)

    def run_ended(self, trained: Trained) -> None:
        """See `Messages`."""
        if trained.told_elsewhere:
            return
        from seedbed.recording.results import closing_text

        print(closing_text(trained.result, trained.plan.config.trainer.epochs))
        print(f"run: {shown(trained.paths.root)}")

    def sweep_ended(self, sweep: SweepState, monitor: str) -> None:
        """See `Messages`."""
        print(f"sweep: {shown(sweep.directory)}")


def messages(*, progress: bool) -> Messages:
    """The messages of a function that is called from Python."""
    return Printed() if progress else Messages()
