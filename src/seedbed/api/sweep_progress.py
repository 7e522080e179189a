"""A sweep's progress: a display that moves on a terminal, plain lines elsewhere."""

import math
import sys
import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seedbed.process import signals
from seedbed.runs.status import Status
from seedbed.sweep.best import Leader
from seedbed.sweep.outcome import JobState
from seedbed.sweep.progress import SweepProgress

MOST_JOB_LINES = 100
"""Jobs that have a line each; of more, only some lines are printed."""

LINES = 10
"""About how many those are."""

LINE_SECONDS = 10.0
"""One is printed at least this often, as long as there is something to tell."""

QUIET_SECONDS = 30.0
"""The same, where jobs have a line each."""

MOST_FAILURES = 20
"""Jobs told one by one that did not complete; the rest are counted."""

FRAMES = 8
"""Of the display, a second."""


def reporter(monitor: str, jobs: Sequence[JobState] = ()) -> SweepProgress:
    """The one that suits standard output.

    Args:
        monitor: `trainer.monitor`, by which the best job is told.
        jobs: of the sweep; where they cannot all be compared, no best one is told.
    """
    if sys.stdout.isatty():
        return Display(monitor, jobs=jobs)
    return Lines(monitor, jobs)


class SweepProgressState:
    """How far a sweep is.

    Args:
        monitor: as in `reporter`.
        jobs: likewise.
    """

    def __init__(self, monitor: str, jobs: Sequence[JobState] = ()) -> None:
        self.best = Leader(monitor, jobs)
        self.jobs = self.to_run = self.ended = self.failed = 0
        self.began = time.monotonic()
        self.stack = self.stack_size = self.waiting = 0
        self.runs, self.fraction = 0, 0.0

    def start(self, jobs: int, left: int) -> None:
        """As `SweepProgress.started`."""
        self.jobs, self.to_run = jobs, left
        self.began = time.monotonic()

    def start_stack(self, number: int, runs: int) -> None:
        """As `SweepProgress.stack_started`."""
        self.stack, self.stack_size, self.waiting = number, runs, runs
        self.runs, self.fraction = runs, 0.0

    def take(self, record: JobState) -> None:
        """As `SweepProgress.job_ended`."""
        self.ended += 1
        self.failed += record.status != Status.COMPLETED
        self.best.take(record)
        # A job that trained on its own comes after all stacks, or after one that failed.
        self.waiting = max(0, self.waiting - 1) if record.group == self.stack else 0

    @property
    def done(self) -> int:
        """Jobs of the whole sweep that have ended."""
        return self.jobs - self.to_run + self.ended

    @property
    def rate(self) -> float:
        """Runs a second; those that train now count by the part that they have done."""
        inside = min(self.runs, self.waiting)
        made = self.ended + (self.waiting - inside) + inside * self.fraction
        return made / max(1e-9, time.monotonic() - self.began)

    @property
    def seconds_left(self) -> float:
        """NaN while nothing is known."""
        rate = self.rate
        if not rate:
            return math.nan
        return max(0.0, self.to_run / rate - (time.monotonic() - self.began))

    @property
    def best_text(self) -> str:
        """The best job and its value; empty while there is none."""
        best = self.best
        return f"best {best.folder} {best.metric} {best.value:.5g}" if best.folder else ""

    @property
    def text(self) -> str:
        """All of it in a line."""
        left = self.seconds_left
        parts = [
            f"{self.done}/{self.jobs} jobs",
            f"{self.failed} failed",
            f"{self.rate:.3g} runs/s",
        ]
        parts += [] if math.isnan(left) else [f"{left:.0f} s left"]
        return ", ".join([*parts, *filter(None, [self.best_text])])


class Lines:
    """Plain lines: one a job, or of very many jobs now and then one for all.

    Args:
        monitor: as in `reporter`.
    """

    def __init__(self, monitor: str, jobs: Sequence[JobState] = ()) -> None:
        self.state = SweepProgressState(monitor, jobs)

    def started(self, jobs: int, left: int) -> None:
        """See `SweepProgress`."""
        self.state.start(jobs, left)
        self.each = left <= MOST_JOB_LINES
        self.every = max(1, left // LINES)
        self.pause = QUIET_SECONDS if self.each else LINE_SECONDS
        self.due = time.monotonic() + self.pause

    def note(self, text: str) -> None:
        """See `SweepProgress`."""
        print(f"note: {text}", flush=True)

    def stack_started(self, number: int, runs: int) -> None:
        """See `SweepProgress`."""
        self.state.start_stack(number, runs)

    def stack_step(self, done: float, runs: int) -> None:
        """See `SweepProgress`."""
        state = self.state
        state.fraction, state.runs = done, runs
        if time.monotonic() > self.due:
            self._say()

    def job_ended(self, record: JobState) -> None:
        """See `SweepProgress`."""
        state = self.state
        state.take(record)
        if self.each:
            print(line(record, state.jobs), flush=True)
            self.due = time.monotonic() + self.pause
            return
        if record.status != Status.COMPLETED and state.failed <= MOST_FAILURES:
            print(line(record, state.jobs), flush=True)
        ended = state.ended
        if ended in (1, state.to_run) or ended % self.every == 0 or time.monotonic() > self.due:
            self._say()

    def ended(self) -> None:
        """See `SweepProgress`."""
        more = 0 if self.each else self.state.failed - MOST_FAILURES
        if more > 0:
            print(f"and {more} more failed", flush=True)

    def _say(self) -> None:
        print(self.state.text, flush=True)
        self.due = time.monotonic() + self.pause


class Display:
    """Two lines that are drawn again and again, and wiped off at the end.

    Args:
        monitor: as in `reporter`.
        console: where to draw; standard output if None.
    """

    def __init__(
        self,
        monitor: str,
        console: Console | None = None,
        jobs: Sequence[JobState] = (),
    ) -> None:
        self.state = SweepProgressState(monitor, jobs)
        self.console = console or Console(highlight=False)
        self.live = Live(
            console=self.console,
            get_renderable=self._picture,
            refresh_per_second=FRAMES,
            transient=True,
        )

    def started(self, jobs: int, left: int) -> None:
        """See `SweepProgress`."""
        self.state.start(jobs, left)
        signals.at_end.append(signals.show_cursor)
        self.live.start()

    def note(self, text: str) -> None:
        """See `SweepProgress`."""
        self.console.print(f"note: {text}", markup=False)

    def stack_started(self, number: int, runs: int) -> None:
        """See `SweepProgress`."""
        self.state.start_stack(number, runs)

    def stack_step(self, done: float, runs: int) -> None:
        """See `SweepProgress`; the display looks at these when it draws."""
        state = self.state
        state.fraction, state.runs = done, runs

    def job_ended(self, record: JobState) -> None:
        """See `SweepProgress`."""
        self.state.take(record)

    def ended(self) -> None:
        """See `SweepProgress`."""
        self.live.stop()
        signals.forget(signals.show_cursor)

    def _picture(self) -> Group:
        state = self.state
        failed = f"{state.failed} failed" if state.failed else ""
        left = state.seconds_left
        remaining = "" if math.isnan(left) else f"{_clock(left)} left"
        made = state.done + min(state.waiting, state.runs) * state.fraction
        first = Table.grid(padding=(0, 2, 0, 0))
        first.add_row(
            ProgressBar(total=state.jobs, completed=made, width=16),
            Text(f"{state.done}/{state.jobs} jobs"),
            Text(failed, style="red"),
            Text(f"{state.jobs - state.done} to go"),
            Text(f"{state.rate:.3g} runs/s"),
            Text(remaining),
        )
        stack = ""
        if state.waiting:
            stack = f"stack {state.stack}: {state.stack_size} runs, {state.fraction:.0%}"
        second = "  ".join(filter(None, [stack, state.best_text]))
        return Group(first, Text(second, no_wrap=True, overflow="ellipsis"))


def line(record: JobState, jobs: int) -> str:
    """A job and how it ended."""
    metrics = "  ".join(
        f"{name} {value:.5g}" for name, value in (record.metrics or {}).items() if value is not None
    )
    text = f"{record.number + 1}/{jobs} {record.directory}: {record.status} {metrics}".rstrip()
    return text if record.status == Status.COMPLETED else f"{text} {record.error or ''}".rstrip()


def _clock(seconds: float) -> str:
    """`0:07`, `12:34`, `3:04:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
