"""Ctrl-C and SIGTERM: the first ends the run after its step, the second at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether the user asked to stop.

    Args:
        requested: once.
        at_once: twice.
    """

    requested = False
    at_once = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self.requested:
            self.at_once = True
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Listens inside the block; only the main thread can."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, request.ask) for number in numbers]
    try:
        yield request
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
