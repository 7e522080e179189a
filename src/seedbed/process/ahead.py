"""A fork that composes the config while this process imports torch, and then waits to do one thing.

Composing and importing torch each take about a second, and neither needs the other. What is done
last, such as drawing, may need a library too; the fork imports it meanwhile. Only the console
script has such a fork, see `fast_start`.
"""

import importlib
import os
import pickle
import select
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from seedbed.process import fast_start, forks, signals
from seedbed.process.exit_codes import RUN_FAILED

Composed = TypeVar("Composed")
Argument = TypeVar("Argument")
Result = TypeVar("Result")

WAIT_SECONDS = 20.0
"""How long the fork waits to be asked; a run that takes longer gains nothing by it."""

Later = tuple[Callable[[Any], Any], Any]
"""A function that `done_aside` will be asked for, and an argument to rehearse it with."""

_waiting: "_Fork | None" = None


def composed_ahead(
    compose: Callable[[], Composed],
    modules: Sequence[str],
    later: Callable[[Composed], Later | None] = lambda composed: None,
) -> Composed:
    """What `compose` gives, with `modules` imported by then.

    A mistake is told by the fork, and this process then ends as it did, wherever its imports are.

    Args:
        compose: without torch, and with nothing left behind but what it gives and says.
        modules: that are needed next; where there is no fork they are not imported.
        later: what the fork waits for, by what was composed; None if it is to end.

    Raises:
        SeedbedError: as `compose`, in the fork or where there is none.
    """
    global _waiting
    if not fast_start.may_fork():
        return compose()
    fork = _Fork(compose, later)
    composed: Composed = fork.composed(modules)
    if later(composed) is None:
        fork.end()
    else:
        _waiting = fork
    return composed


def done_aside(function: Callable[[Argument], Result], argument: Argument) -> Result:
    """`function(argument)`, by the fork where one waits for this; it is asked once.

    Args:
        function: gives the same in either process.
        argument: can be pickled, as the result can.

    Raises:
        Exception: as `function`.
    """
    global _waiting
    fork, _waiting = _waiting, None
    told = fork.ask(_name(function), argument) if fork else b""
    return pickle.loads(told) if told else function(argument)


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


class _Fork:
    """The fork, as its parent sees it.

    Args:
        compose, later: as `composed_ahead` has them.
    """

    def __init__(self, compose: Callable[[], Any], later: Callable[[Any], Later | None]) -> None:
        self.parent = os.getpid()
        composed, give = os.pipe()
        take, asked = os.pipe()
        answer, reply = os.pipe()
        self.child = forks.fork()
        if not self.child:
            for end in (composed, asked, answer):
                os.close(end)
            _wait_to_be_asked(later(_hand_over(compose, give)), take, reply)
        for end in (give, take, reply):
            os.close(end)
        self.result = b""
        self._composed, self._asked, self._answer = composed, asked, answer

    def composed(self, modules: Sequence[str]) -> Any:
        """Imports, and then waits for what the fork composed."""
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        for module in modules:
            importlib.import_module(module)
        listener.join()
        return pickle.loads(self.result)

    def end(self) -> None:
        """It waits for nothing."""
        os.close(self._asked)
        os.close(self._answer)
        forks.reap(self.child)

    def ask(self, name: str, argument: object) -> bytes:
        """The pickled result of a function; empty if the fork does not know it, or is gone."""
        if os.getpid() != self.parent:
            return b""
        with suppress(OSError), os.fdopen(self._asked, "wb") as pipe:
            pickle.dump((name, argument), pipe)
        with os.fdopen(self._answer, "rb") as pipe:
            answer = pipe.read()
        forks.reap(self.child)
        return answer

    def _listen(self) -> None:
        """Ends this process if the fork sends nothing: it has told a mistake then.

        A signal that ended the fork ends this process as well, which may have had it already.
        """
        with os.fdopen(self._composed, "rb") as file:
            self.result = file.read()
        if self.result:
            return
        code = forks.reap(self.child)
        if -code in signals.SIGNALS and not signals.is_ending():
            os.kill(os.getpid(), -code)
        if -code in signals.SIGNALS or signals.is_ending():
            threading.Event().wait()
        if code < 0:
            message = f"error: the process that composes the config died of signal {-code}\n"
            sys.stderr.write(message)
        os._exit(code if code > 0 else RUN_FAILED)


def _hand_over(compose: Callable[[], Composed], pipe: int) -> Composed:
    """The fork's first part. A mistake goes up to `main`, which tells it and ends the fork."""
    composed = compose()
    result = pickle.dumps(composed)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with os.fdopen(pipe, "wb") as file:
        file.write(result)
    return composed


def _wait_to_be_asked(later: Later | None, take: int, reply: int) -> NoReturn:
    """The fork's second part; what is wrong in it is told by the process that asks."""
    try:
        if later is not None:
            _answer(*later, take, reply)
    finally:
        os._exit(0)


def _answer(function: Callable[[Any], Any], rehearsal: object, take: int, reply: int) -> None:
    """Answers one question, if it comes in time and is for this function."""
    function(rehearsal)  # the first time it imports what it needs
    if not select.select([take], [], [], WAIT_SECONDS)[0]:
        return
    with os.fdopen(take, "rb") as pipe:
        question = pipe.read()
    name, argument = pickle.loads(question) if question else ("", None)
    if name == _name(function):
        answer = pickle.dumps(function(argument))
        with os.fdopen(reply, "wb") as pipe:
            pipe.write(answer)


def _close_in_fork() -> None:
    """Another fork would keep this one waiting for the end of the question."""
    global _waiting
    fork, _waiting = _waiting, None
    if fork is not None:
        os.close(fork._asked)
        os.close(fork._answer)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_fork)
