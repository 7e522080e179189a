"""A run that is to stop: the first signal ends it after its step, a later one at once."""

import _thread
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from seedbed.process import signals

SAME_WISH = 0.3
"""Seconds within which a further signal asks for nothing more: a terminal that is closed sends two,
and programs hand on to their children what these had themselves."""

STEP_SECONDS = 10.0
"""How long a step, or a measurement, may go on once the run is to stop."""


class Stopping(Protocol):
    """Whether a run is to stop: this process was told so, or a rank of the run."""

    @property
    def requested(self) -> bool:
        """Whether to stop after the step."""
        ...


class StopRequest:
    """Whether the user asked to stop.

    Args:
        at_once: twice.
    """

    at_once = False

    def __init__(self) -> None:
        self._number: int | None = None
        self._first = 0.0
        self._obeyed = False

    @property
    def requested(self) -> bool:
        """Whether to stop; who is told so has as long as it takes to save what there is."""
        self._obeyed = self._number is not None
        return self._obeyed

    def ask(self, number: int) -> None:
        """Hears a signal.

        Raises:
            KeyboardInterrupt: at the second, in a process that is not ours alone.
        """
        if self._number is None:
            self.wish(number)
        elif time.monotonic() - self._first > SAME_WISH:
            self.at_once = True
            if signals.ours_alone():
                signals.end(number)
            raise KeyboardInterrupt

    def wish(self, number: int) -> None:
        """Asks to stop after the step, from any thread; asking again changes nothing."""
        if self._number is None:
            self._number, self._first = number, time.monotonic()
            with suppress(RuntimeError):  # there may be too many threads
                _thread.start_new_thread(self._insist, ())  # no `Thread`, which takes a lock

    def _insist(self) -> None:
        """Asks again if nobody listens."""
        time.sleep(STEP_SECONDS)
        if self is _current and not self._obeyed and self._number is not None:
            os.kill(os.getpid(), self._number)


_current: StopRequest | None = None


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Listens inside the block, or is the request of the block around; only the main thread can."""
    global _current
    if threading.current_thread() is not threading.main_thread():
        yield StopRequest()
        return
    if _current is not None:
        yield _current
        return
    _current = StopRequest()
    try:
        with signals.heard_by(_current.ask):
            yield _current
    finally:
        _current = None


def _forget_in_fork() -> None:
    """A fork that listens has a request of its own."""
    global _current
    _current = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_fork)
