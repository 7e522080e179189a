"""Worker processes of two kinds, used alike: forks of this process, and those of a server.

A fork has all that this process has, for nothing, and may be made where there are no threads. A
server's worker is sent what it needs. Either has a pipe to this process, and ends when that closes.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn

from seedbed.process import fast_start, forks, signals, streams
from seedbed.process.forkserver import server_pid, without_main_module

_ours: set[Connection] = set()
"""This process's ends of pipes to forks; a fork that held another's would keep it from ending."""


@dataclass(frozen=True)
class Worker:
    """A process that was started.

    Args:
        pipe: to it.
        pid: of it.
        process: as multiprocessing knows it; None for a fork.
    """

    pipe: Connection
    pid: int
    process: BaseProcess | None = None

    def end(self) -> int:
        """Waits for its end; its exit code, negative for the signal that it died of."""
        _ours.discard(self.pipe)
        self.pipe.close()
        if self.process is None:
            return forks.reap(self.pid)
        self.process.join()
        return self.process.exitcode or 0

    def kill(self) -> None:
        """Ends it at once."""
        with suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)


def has_server() -> bool:
    """Whether this system can have a server of workers."""
    return "forkserver" in multiprocessing.get_all_start_methods()


def may_fork() -> bool:
    """Whether a fork of this process may compute; it needs no second core."""
    from seedbed.process import threads

    return fast_start.is_in_use() and threads.may_fork()


def forked(work: Callable[[Connection], object]) -> Worker:
    """Starts a fork of this process.

    Args:
        work: what it does, with its end of the pipe.

    Raises:
        OSError: if the system has no room for another process.
    """
    ours, theirs = multiprocessing.Pipe()
    with signals.blocked():  # the fork hears them once it can
        child = forks.fork()
        if not child:
            _work_and_exit(work, ours, theirs)
    theirs.close()
    _ours.add(ours)
    return Worker(ours, child)


def _work_and_exit(
    work: Callable[[Connection], object], ours: Connection, theirs: Connection
) -> NoReturn:
    """The fork's part; nothing of its parent's end is run in it."""
    code = 1
    try:
        gc.freeze()  # to look through all that is shared would copy it
        for pipe in (ours, *_ours):
            pipe.close()
        _ours.clear()
        work(theirs)
        code = 0
        for stream in (sys.stdout, sys.stderr):  # what a model of the user's prints
            with suppress(ValueError, AttributeError):
                stream.flush()
    finally:
        os._exit(code)


def served(
    context: ForkServerContext, work: Callable[..., object], arguments: Sequence[Any]
) -> Worker:
    """Starts a worker of a server.

    Args:
        context: of `workers_of_server`.
        work: what it does, with the environment's variables, its end of the pipe and the arguments.
        arguments: that can be pickled.
    """
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(work, dict(os.environ), theirs, arguments))
    with without_main_module():
        process.start()
    theirs.close()
    return Worker(ours, process.pid or 0, process)


def _serve(
    work: Callable[..., object],
    variables: dict[str, str],
    pipe: Connection,
    arguments: Sequence[Any],
) -> None:
    """A server has the variables as they were at its start."""
    os.environ.clear()
    os.environ.update(variables)
    streams.guard()
    work(pipe, *arguments)


def end_now(served_ones: Sequence[Worker]) -> None:
    """Has workers of a server end at once, each with a true status, and the server with them.

    Forks end with this process in any case.
    """
    for worker in served_ones:
        with suppress(OSError):
            os.kill(worker.pid, forks.STOP or signal.SIGTERM)
    until = time.monotonic() + forks.FORK_SECONDS
    for worker in served_ones:
        if worker.process is not None:
            wait([worker.process.sentinel], max(0.0, until - time.monotonic()))
    for pid in [*(worker.pid for worker in served_ones), server_pid()]:
        if pid:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def death(code: int) -> str:
    """What a process died of, by its exit code."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def begin() -> None:
    """Said by a worker first: a signal ends it without a word, with all that is to be done before.

    Signals wait until `obey`.
    """
    signals.take_over(quiet=True)
    if forks.STOP is not None:
        signal.signal(forks.STOP, lambda *_: signals.end(signal.SIGTERM))


def obey(pipe: Connection, stop: Callable[[], object]) -> None:
    """Said by a worker before it works: from now on it hears signals, and who started it.

    Args:
        pipe: to the process that started it.
        stop: called, in a thread, once that process says so or is no more.
    """
    signals.unblock()

    def listen() -> None:
        with suppress(EOFError, OSError):
            pipe.recv()
        stop()

    threading.Thread(target=listen, daemon=True).start()
