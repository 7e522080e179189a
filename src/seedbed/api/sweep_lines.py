"""The progress of a sweep in plain lines, where no terminal shows it."""

import time
from collections.abc import Sequence

from seedbed.api.sweep_count import CountedSweep
from seedbed.runs.status import Status
from seedbed.sweep.outcome import JobState

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


class SweepLines(CountedSweep):
    """Plain lines: one a job, or of very many jobs now and then one for all.

    Args:
        monitor: as of `CountedSweep`.
        jobs: likewise.
        hidden: beginning of the metrics that are not told; empty for none.
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


def line(record: JobState, jobs: int, hidden: str = "") -> str:
    """A job and how it ended, without metrics whose names begin with `hidden`."""
    metrics = "  ".join(
        f"{name} {value:.5g}"
        for name, value in (record.metrics or {}).items()
        if value is not None and not (hidden and name.startswith(hidden))
    )
    text = f"{record.number + 1}/{jobs} {record.directory}: {record.status} {metrics}".rstrip()
    return text if record.status == Status.COMPLETED else f"{text} {record.error or ''}".rstrip()
