"""A sweep's progress: a display that moves on a terminal, plain lines elsewhere."""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seedbed.analysis.leader import Leader
from seedbed.process import signals
from seedbed.runs.status import Status
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


def reporter(monitor: str, jobs: Sequence[JobState] = (), hidden: str = "") -> SweepProgress:
    """The one that suits standard output.

    Args:
        monitor: `trainer.monitor`, by which the best job is told.
        jobs: of the sweep; where they cannot all be compared, no best one is told.
        hidden: beginning of the metrics that are not told; empty for none.
    """
    if sys.stdout.isatty():
        return Display(monitor, jobs=jobs)
    return Lines(monitor, jobs, hidden)


@dataclass
class _Stack:
    """A stack that trains.

    Args:
        size: runs that it began with.
        waiting: jobs of it that are not told yet.
        runs: that are still in it.
        fraction: of its steps that are made.
    """

    size: int
    waiting: int
    runs: int
    fraction: float = 0.0

    @property
    def made(self) -> float:
        """Jobs, of those that are not told; what trains counts by the part that it has done."""
        inside = min(self.runs, self.waiting)
        return (self.waiting - inside) + inside * self.fraction


class CountedSweep(SweepProgress):
    """Counts how far a sweep is.

    Args:
        monitor: as in `reporter`.
        jobs: likewise.
    """

    def __init__(self, monitor: str, jobs: Sequence[JobState] = ()) -> None:
        self.best = Leader(monitor, jobs)
        self.jobs = self.to_run = self.num_ended = self.num_failed = 0
        self.began = time.monotonic()
        self.stacks: dict[int, _Stack] = {}

    def started(self, jobs: int, left: int) -> None:
        """See `SweepProgress`."""
        self.jobs, self.to_run = jobs, left
        self.began = time.monotonic()

    def stack_started(self, number: int, runs: int) -> None:
        """See `SweepProgress`."""
        self.stacks[number] = _Stack(runs, runs, runs)

    def stack_step(self, number: int, done: float, runs: int) -> None:
        """See `SweepProgress`."""
        stack = self.stacks[number]
        stack.fraction, stack.runs = done, runs

    def stack_ended(self, number: int) -> None:
        """See `SweepProgress`."""
        self.stacks.pop(number, None)

    def job_ended(self, record: JobState) -> None:
        """See `SweepProgress`."""
        self.num_ended += 1
        self.num_failed += record.status != Status.COMPLETED
        self.best.take(record)
        if record.group in self.stacks:
            self.stacks[record.group].waiting -= 1

    @property
    def done(self) -> int:
        """Jobs of the whole sweep that have ended."""
        return self.jobs - self.to_run + self.num_ended

    @property
    def rate(self) -> float:
        """Runs a second; those that train now count by the part that they have done."""
        made = self.num_ended + sum(stack.made for stack in self.stacks.values())
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
    def stacks_text(self) -> str:
        """Those that train now, and how far they are; empty where none does."""
        names = ", ".join(str(number) for number in self.stacks)
        runs = sum(stack.size for stack in self.stacks.values())
        made = sum(stack.size * stack.fraction for stack in self.stacks.values())
        word = "stack" if len(self.stacks) == 1 else "stacks"
        return f"{word} {names}: {runs} runs, {made / runs:.0%}" if runs else ""

    @property
    def text(self) -> str:
        """All of it in a line."""
        left = f"{self.seconds_left:.0f} s left" if self.rate else ""
        counts = f"{self.done}/{self.jobs} jobs, {self.num_failed} failed, {self.rate:.3g} runs/s"
        return ", ".join(filter(None, [counts, left, self.best_text]))


class Lines(CountedSweep):
    """Plain lines: one a job, or of very many jobs now and then one for all.

    Args:
        monitor: as in `reporter`.
        jobs: likewise.
        hidden: likewise.
    """

    def __init__(self, monitor: str, jobs: Sequence[JobState] = (), hidden: str = "") -> None:
        super().__init__(monitor, jobs)
        self.hidden = hidden

    def started(self, jobs: int, left: int) -> None:
        """See `SweepProgress`."""
        super().started(jobs, left)
        self.each = left <= MOST_JOB_LINES
        self.every = max(1, left // LINES)
        self.pause = QUIET_SECONDS if self.each else LINE_SECONDS
        self.due = time.monotonic() + self.pause

    def note(self, text: str) -> None:
        """See `SweepProgress`."""
        print(f"note: {text}", flush=True)

    def stack_step(self, number: int, done: float, runs: int) -> None:
        """See `SweepProgress`."""
        stack = self.stacks[number]
        stack.fraction, stack.runs = done, runs
        if time.monotonic() > self.due:
            self._print(self.text)

    def job_ended(self, record: JobState) -> None:
        """See `SweepProgress`."""
        super().job_ended(record)
        is_listed = record.status != Status.COMPLETED and self.num_failed <= MOST_FAILURES
        if self.each:
            self._print(line(record, self.jobs, self.hidden))
            return
        if is_listed:
            print(line(record, self.jobs, self.hidden), flush=True)
        is_mark = self.num_ended in (1, self.to_run) or self.num_ended % self.every == 0
        if is_mark or time.monotonic() > self.due:
            self._print(self.text)

    def ended(self) -> None:
        """See `SweepProgress`."""
        more = 0 if self.each else self.num_failed - MOST_FAILURES
        if more > 0:
            print(f"and {more} more failed", flush=True)

    def _print(self, text: str) -> None:
        print(text, flush=True)
        self.due = time.monotonic() + self.pause


class Display(CountedSweep):
    """Two lines that are drawn again and again, and wiped off at the end.

    Args:
        monitor: as in `reporter`.
        console: where to draw; standard output if None.
        jobs: as in `reporter`.
    """

    def __init__(
        self,
        monitor: str,
        console: Console | None = None,
        jobs: Sequence[JobState] = (),
    ) -> None:
        super().__init__(monitor, jobs)
        self.console = console or Console(highlight=False)
        self.live = self._new_live()

    def _new_live(self) -> Live:
        """One that is started again would draw over the line above its last picture."""
        return Live(
            console=self.console,
            get_renderable=self._picture,
            refresh_per_second=FRAMES,
            transient=True,
        )

    def started(self, jobs: int, left: int) -> None:
        """See `SweepProgress`."""
        super().started(jobs, left)
        signals.at_end.append(signals.show_cursor)
        self.live.start()

    def note(self, text: str) -> None:
        """See `SweepProgress`."""
        self.console.print(f"note: {text}", markup=False)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """See `SweepProgress`."""
        was_drawn = self.live.is_started
        thread = getattr(self.live, "_refresh_thread", None)
        self.live.stop()
        if thread is not None:  # it was told to end, and may not have yet
            thread.join()
        try:
            yield
        finally:
            if was_drawn:
                self.live = self._new_live()
                self.live.start()

    def ended(self) -> None:
        """See `SweepProgress`."""
        self.live.stop()
        signals.forget(signals.show_cursor)

    def _picture(self) -> Group:
        failed = f"{self.num_failed} failed" if self.num_failed else ""
        left = self.seconds_left
        remaining = "" if math.isnan(left) else f"{_clock(left)} left"
        made = self.done + sum(stack.made for stack in self.stacks.values())
        first = Table.grid(padding=(0, 2, 0, 0))
        first.add_row(
            ProgressBar(total=self.jobs, completed=made, width=16),
            Text(f"{self.done}/{self.jobs} jobs"),
            Text(failed, style="red"),
            Text(f"{self.jobs - self.done} to go"),
            Text(f"{self.rate:.3g} runs/s"),
            Text(remaining),
        )
        second = "  ".join(filter(None, [self.stacks_text, self.best_text]))
        return Group(first, Text(second, no_wrap=True, overflow="ellipsis"))


def line(record: JobState, jobs: int, hidden: str = "") -> str:
    """A job and how it ended, without metrics whose names begin with `hidden`."""
    metrics = "  ".join(
        f"{name} {value:.5g}"
        for name, value in (record.metrics or {}).items()
        if value is not None and not (hidden and name.startswith(hidden))
    )
    text = f"{record.number + 1}/{jobs} {record.directory}: {record.status} {metrics}".rstrip()
    return text if record.status == Status.COMPLETED else f"{text} {record.error or ''}".rstrip()


def _clock(seconds: float) -> str:
    """`0:07`, `12:34`, `3:04:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
