"""Says on a terminal how far a search for runs is, once it takes longer than a person expects."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from seedbed.catalog.finding import Watch
from seedbed.config.hints import counted
from seedbed.process import signals

QUIET_SECONDS, PAUSE_SECONDS = 2.0, 0.5
"""Before the first word, and between two."""

EACH = 100
"""Calls, of which one looks at the clock."""

CLEAR = "\r\x1b[K"
"""Takes the line away again."""


@contextmanager
def told_while_looking() -> Iterator[Watch | None]:
    """Gives what hears of a search; the line is gone at its end. None where no terminal is."""
    if not sys.stderr.isatty():
        yield None
        return
    line = _Line()
    signals.at_end.append(line.clear)
    try:
        yield line.heard
    finally:
        signals.at_end.remove(line.clear)
        line.clear()


class _Line:
    """One line of the terminal."""

    def __init__(self) -> None:
        self.due = time.monotonic() + QUIET_SECONDS
        self.calls = 0
        self.is_shown = False

    def heard(self, folders: int, runs: int) -> None:
        self.calls += 1
        if self.calls % EACH or time.monotonic() < self.due:
            return
        self.due = time.monotonic() + PAUSE_SECONDS
        self.is_shown = True
        text = f"{counted(folders, 'folder')} looked into, {counted(runs, 'run')} so far"
        print(f"{CLEAR}{text}; Ctrl-C ends it", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.is_shown:
            print(CLEAR, end="", file=sys.stderr, flush=True)
