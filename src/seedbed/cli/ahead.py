"""Composes a config in a fork while this process imports torch.

Each takes about a second, and neither needs the other. A mistake is told by the fork, and this
process then ends as it did, wherever its imports are.
"""

import importlib
import os
import pickle
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from seedbed import signals
from seedbed.cli.main import RUN_FAILED

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
    child = signals.fork()
    if not child:
        os.close(ours)
        _hand_over(compose, theirs)
    os.close(theirs)
    return _Fork(child, ours).awaited(modules)  # type: ignore[no-any-return]


def _hand_over(compose: Callable[[], object], pipe: int) -> NoReturn:
    """The fork's part. A mistake goes up to `main`, which tells it and ends the fork."""
    told = pickle.dumps(compose())
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with os.fdopen(pipe, "wb") as file:
        file.write(told)
    os._exit(0)


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

    def awaited(self, modules: Sequence[str]) -> Any:
        """Imports, and then waits for what the fork tells."""
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        for module in modules:
            importlib.import_module(module)
        listener.join()
        return pickle.loads(self.told)

    def _listen(self) -> None:
        """Ends this process if the fork has nothing to tell: it has told a mistake then.

        A signal that ended the fork ends this process as well, which may have had it already.
        """
        with os.fdopen(self.pipe, "rb") as file:
            self.told = file.read()
        code = signals.reap(self.child)
        if self.told:
            return
        if -code in signals.SIGNALS and not signals.is_ending():
            os.kill(os.getpid(), -code)
        if -code in signals.SIGNALS or signals.is_ending():
            threading.Event().wait()
        if code < 0:
            told = f"error: the process that composes the config died of signal {-code}"
            print(told, file=sys.stderr, flush=True)
        os._exit(code if code > 0 else RUN_FAILED)
