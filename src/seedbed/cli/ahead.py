"""Composes a config in a fork while this process imports torch.

Each takes about a second, and neither needs the other. A mistake is told by the fork, and this
process then ends as it did, wherever its imports are.
"""

import importlib
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from seedbed.cli.main import INTERRUPTED, RUN_FAILED

Composed = TypeVar("Composed")

_may_fork = False


def allow_forks() -> None:
    """Said by the console script: nothing else is in this process, which may end at any time."""
    global _may_fork
    _may_fork = True


def composed_ahead(compose: Callable[[], Composed], modules: Sequence[str]) -> Composed:
    """What `compose` gives, with `modules` imported by then.

    Args:
        compose: without torch, and with nothing left behind but what it gives and says.
        modules: that are needed next; where there can be no fork they are not imported.

    Raises:
        SeedbedError: as `compose`, in the fork or where there is none.
    """
    if not _may_fork or not hasattr(os, "fork") or (os.cpu_count() or 1) < 2:
        return compose()
    ours, theirs = os.pipe()
    _flush()
    child = os.fork()
    if not child:
        os.close(ours)
        _hand_over(compose, theirs)
    os.close(theirs)
    return _Fork(child, ours).awaited(modules)  # type: ignore[no-any-return]


def _hand_over(compose: Callable[[], object], pipe: int) -> NoReturn:
    """The fork's part. A mistake goes up to `main`, which tells it and ends the fork."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends both
    told = pickle.dumps(compose())
    _flush()
    with os.fdopen(pipe, "wb") as file:
        file.write(told)
    os._exit(0)


def _flush() -> None:
    """What waits in memory would be said by both."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


class _Fork:
    """A fork that composes, as its parent sees it.

    Args:
        child: its process.
        pipe: what it tells comes from here.
    """

    def __init__(self, child: int, pipe: int) -> None:
        self.child = child
        self.pipe = pipe
        self.told = b""
        self.stopped = False

    def awaited(self, modules: Sequence[str]) -> Any:
        """Imports, and then waits for what the fork tells."""
        listener = threading.Thread(target=self._listen, daemon=True)
        before = signal.signal(signal.SIGINT, self._stop)
        listener.start()
        for module in modules:
            importlib.import_module(module)
        listener.join()
        signal.signal(signal.SIGINT, before)
        return pickle.loads(self.told)

    def _listen(self) -> None:
        """Ends this process if the fork has nothing to tell: it has told a mistake then."""
        with os.fdopen(self.pipe, "rb") as file:
            self.told = file.read()
        _, status = os.waitpid(self.child, 0)
        code = os.waitstatus_to_exitcode(status)
        if self.told or self.stopped:
            return
        if code < 0:
            told = f"error: the process that composes the config died of signal {-code}"
            print(told, file=sys.stderr, flush=True)
        os._exit(code if code > 0 else RUN_FAILED)

    def _stop(self, *_: object) -> None:
        """On Ctrl-C. Not by an exception: an import may make another one of it."""
        self.stopped = True
        os.kill(self.child, signal.SIGKILL)
        print("error: interrupted", file=sys.stderr, flush=True)
        os._exit(INTERRUPTED)
