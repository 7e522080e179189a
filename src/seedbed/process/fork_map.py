"""Shares out work that waits for the disk and for Python between this process and a fork of it."""

import os
import pickle
import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NoReturn, TypeVar

from seedbed.process import fast_start, forks, signals

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_IT = 64
"""Items; a fork takes as long as it saves in a few dozen."""


def fork_map(
    items: Sequence[Item], work: Callable[[Item], Result], *, fork: bool = True
) -> list[Result]:
    """`work` of each item, half of them in a fork.

    What the fork changes in memory is lost, but for the results; files stay. It ends when this
    process does.

    Args:
        items: small in number, they are all done here.
        work: done in either process.
        fork: whether there may be one.

    Raises:
        Exception: the first that `work` raises, here or in the fork, once both have stopped.
    """
    if not fork or len(items) < WORTH_IT or not fast_start.may_fork():
        return [work(item) for item in items]
    half = len(items) // 2
    ours, theirs = os.pipe()
    parent, child = os.getpid(), forks.fork()
    if not child:
        os.close(ours)
        _work_and_exit(items[half:], work, theirs, parent)
    os.close(theirs)
    try:
        results = [work(item) for item in items[:half]]
    finally:
        with os.fdopen(ours, "rb") as pipe:
            told = pipe.read()
        forks.reap(child)
    if not told:
        raise OSError("a fork died while it wrote")
    more, error = pickle.loads(told)
    if error is not None:
        raise error
    return results + list(more)


def _work_and_exit(
    items: Sequence[Any], work: Callable[[Any], Any], pipe: int, parent: int
) -> NoReturn:
    """The fork's part; nothing of this process's end, such as its handlers, is run twice.

    A signal that reaches all processes is for the parent to hear, which waits for the fork, or
    stops it between two items.
    """
    told = b""
    stopped = _Stopped()
    try:
        try:
            results = []
            for item in items:
                if stopped or os.getppid() != parent:
                    os._exit(1)
                results.append(work(item))
            told = pickle.dumps((results, None))
        except Exception as err:
            told = _error(err)
        with os.fdopen(pipe, "wb") as file:
            file.write(told)
    finally:
        os._exit(0)


class _Stopped:
    """Becomes true when the parent wants the fork to end."""

    def __init__(self) -> None:
        self.told = False
        signals.ignored()
        if forks.STOP is not None:
            signal.signal(forks.STOP, self._hear)

    def __bool__(self) -> bool:
        return self.told

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.told = True


def _error(err: Exception) -> bytes:
    """With its class, where that can be sent."""
    try:
        told = pickle.dumps(([], err))
        pickle.loads(told)
    except Exception:
        return pickle.dumps(([], RuntimeError(f"{type(err).__name__}: {err}")))
    return told
