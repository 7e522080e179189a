"""Counts how far a sweep is: jobs, stacks, the rate, the time left, the best so far."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from seedbed.analysis.leader import Leader
from seedbed.runs.status import Status
from seedbed.sweep.outcome import JobState
from seedbed.sweep.progress import SweepProgress


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
        monitor: `trainer.monitor`, by which the best job is told.
        jobs: of the sweep; where they cannot all be compared, no best one is told.
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
