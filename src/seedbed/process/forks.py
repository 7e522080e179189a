"""Forks of this process that a signal ends with it."""

import os
import signal
import sys
import time
from contextlib import suppress

from seedbed.process import signals

STOP = getattr(signal, "SIGUSR1", None)
"""Tells a fork of ours to end; what a terminal sends reaches parent and fork alike."""

FORK_SECONDS = 2.0
"""How long a fork may take to finish the file that it is at."""

_forks: set[int] = set()


def fork() -> int:
    """As `os.fork`, once all that was said is out; a signal that ends this process ends the fork.

    In the fork signals have their default effect, and `STOP` too.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.flush()
    with signals.held():  # a signal finds the fork noted, or not made
        child = os.fork()
        if child:
            _forks.add(child)
    return child


def reap(fork: int) -> int:
    """Waits for a fork; its exit code, negative for the signal that it died of."""
    try:
        _, status = os.waitpid(fork, 0)
    except ChildProcessError:  # the main thread ended it, and ends this process
        return -signal.SIGTERM
    _forks.discard(fork)
    return os.waitstatus_to_exitcode(status)


def _end_forks() -> None:
    """Each may finish the file that it is at."""
    for child in list(_forks):
        with suppress(OSError):
            os.kill(child, STOP or signal.SIGTERM)
    until = time.monotonic() + FORK_SECONDS
    for child in list(_forks):
        with suppress(OSError):
            while not os.waitpid(child, os.WNOHANG)[0]:
                if time.monotonic() > until:
                    os.kill(child, signal.SIGKILL)
                time.sleep(0.002)


signals.forks_enders.append(_end_forks)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forks.clear)
