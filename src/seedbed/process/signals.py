"""What Ctrl-C, SIGTERM and SIGHUP do in this process, and how it ends by one of them.

No handler raises: an import or a library may swallow an exception, or turn it into another one. A
signal is given to who listens for it, such as a run that ends after its step; where nobody does,
the console script's process ends on the spot, once what `at_end` names is done.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

CRASHES = ("SIGSEGV", "SIGBUS", "SIGFPE")

CLEANING_SECONDS = 5.0
"""How long the end of a process may take, on a disk that does not answer for one."""

WORKER_SECONDS = 30.0
"""How long a worker lives that was told to end; its parent may have been told as well."""

Listener = Callable[[int], None]

forks_enders: list[Callable[[], object]] = []
"""What ends the forks of this process, before anything else is done at its end; see `forks`."""

at_end: list[Callable[[], object]] = []
"""What is done, last things first, when a signal ends the process; cleared in its forks."""


class _State:
    """What is known of signals in this process."""

    first: int | None = None
    listener: Listener | None = None
    ends_process = False
    held = 0
    waiting: list[int]
    quiet = False
    ending = False

    def __init__(self) -> None:
        self.waiting = []


_state = _State()


def take_over(*, quiet: bool = False) -> None:
    """Said by a process that is ours alone: from now on a signal ends it, unless someone listens.

    Args:
        quiet: end without a word, as a worker does, whose parent tells.
    """
    _state.ends_process, _state.quiet = True, quiet
    _install()


def ours_alone() -> bool:
    """Whether `take_over` was said; not so in a notebook."""
    return _state.ends_process


def heard() -> bool:
    """Whether there was a signal."""
    return _state.first is not None


def exit_code() -> int:
    """Of a process that a signal ends, as shells count: 130 after Ctrl-C."""
    return 128 + (_state.first or signal.SIGINT)


def is_ending() -> bool:
    """Whether a signal is ending the process right now."""
    return _state.ending


def reason() -> str:
    """Which signal it was."""
    return f"ended by {signal.Signals(_state.first or signal.SIGINT).name}"


def ending() -> str:
    """The line that tells of the signal."""
    by = "" if exit_code() == 128 + signal.SIGINT else f": {reason()}"
    return f"error: interrupted{by}"


def tell_ending() -> None:
    """Says the line on standard error; another signal ends the process without saying it again."""
    with held():
        sys.stderr.write(f"{ending()}\n")
        _state.quiet = _state.ends_process


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Gives signals to a listener inside the block; the main thread's alone.

    Args:
        listener: called in the main thread, between any two of its instructions.
    """
    earlier, handlers = _state.listener, _install()
    _state.listener = listener
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        _state.listener = earlier
        if not _state.ends_process and earlier is None:
            _state.first = None


class _Held:
    """See `held`. A class, as it stands around every file that is written."""

    __slots__ = ("state",)

    def __enter__(self) -> None:
        self.state = _state  # a fork has another
        self.state.held += 1

    def __exit__(self, *_: object) -> None:
        self.state.held -= 1
        while not self.state.held and self.state.waiting:
            _heard(self.state.waiting.pop(0), None)


def held() -> _Held:
    """Lets signals wait until the end of the block; keep it short."""
    return _Held()


@contextmanager
def blocked() -> Iterator[None]:
    """Blocks them for the processes that are started inside, which are other programs' work."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def unblock() -> None:
    """Said in a process that was started inside `blocked`, once it can hear."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def forget(what: Callable[[], object]) -> None:
    """Takes it out of `at_end`, where it is there."""
    with suppress(ValueError):
        at_end.remove(what)


@contextmanager
def done_at_end(what: Callable[[], object]) -> Iterator[None]:
    """Has it done if a signal ends the process inside the block."""
    at_end.append(what)
    try:
        yield
    finally:
        forget(what)


def ignored() -> None:
    """Said by a process that ends when its parent tells it to, which hears the same signals."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "setitimer"):  # its parent may be the one that asks, and wait for it
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(
            signal.SIGTERM, lambda *_: signal.setitimer(signal.ITIMER_REAL, WORKER_SECONDS)
        )
    for name in CRASHES:
        if hasattr(signal, name):  # torch has its workers print what the parent says as well
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    unblock()


def do_what_is_left() -> None:
    """Ends forks, and does what is to be done before the process ends on the spot."""
    for what in (*forks_enders, *reversed(at_end)):
        with suppress(Exception):
            what()


def show_cursor() -> None:
    """For `at_end`, of a display that hides it while it moves."""
    if os.isatty(1):
        os.write(1, b"\x1b[?25h\n")


def end(number: int) -> NoReturn:
    """Ends the process as by a signal: with all that is to be done before, and one line."""
    import _thread

    code = 128 + number
    _state.ending = True
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    with suppress(RuntimeError):  # there may be too many threads
        _thread.start_new_thread(_end_anyway, (code,))
    do_what_is_left()
    processes = sys.modules.get("multiprocessing")
    for process in processes.active_children() if processes else []:
        with suppress(Exception):
            process.kill()  # such as a DataLoader's workers
    with suppress(Exception):  # it may be in the middle of printing
        sys.stdout.flush()
    if not _state.quiet:
        with suppress(OSError):
            os.write(2, f"{ending()}\n".encode())
    os._exit(code)


def _install() -> dict[int, Any]:
    """Takes the signals; what was there before, by number, where that was not ours already.

    SIGHUP and SIGTERM stay ignored where the caller ignores them, as `nohup` does. Ctrl-C does not:
    shells ignore it for what a script puts in the background, and then nothing would end it.
    """
    before = {}
    for number in SIGNALS:
        handler = signal.getsignal(number)
        ignored = handler == signal.SIG_IGN and number != signal.SIGINT
        if handler is not _heard and not ignored:
            before[number] = handler
            signal.signal(number, _heard)
    return before


def _heard(number: int, frame: FrameType | None) -> None:
    """The handler."""
    _state.first = _state.first or number
    if _state.held:
        _state.waiting.append(number)
    elif _state.listener is not None:
        _state.listener(number)
    else:
        end(number)


def _end_anyway(code: int) -> NoReturn:
    import time

    time.sleep(CLEANING_SECONDS)
    os._exit(code)


def _forget_in_fork() -> None:
    """A fork is no part of what its parent does at a signal, whoever made it."""
    global _state
    theirs, _state = _state, _State()
    theirs.waiting.clear()
    at_end.clear()
    for number in SIGNALS if theirs.listener or theirs.ends_process else ():
        if signal.getsignal(number) is _heard:
            signal.signal(number, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_fork)
