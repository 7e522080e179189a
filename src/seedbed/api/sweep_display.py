"""The progress of a sweep as a terminal shows it: two lines that are drawn again and again."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seedbed.api.sweep_count import CountedSweep
from seedbed.process import signals
from seedbed.sweep.outcome import JobState

FRAMES = 8
"""Of the display, a second."""


class SweepDisplay(CountedSweep):
    """Two lines, which are wiped off at the end.

    Args:
        monitor: as of `CountedSweep`.
        console: where to draw; standard output if None.
        jobs: as of `CountedSweep`.
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


def _clock(seconds: float) -> str:
    """`0:07`, `12:34`, `3:04:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
