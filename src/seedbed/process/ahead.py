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

_waiting: "_Fork | None" = None


def composed_ahead(
    compose: Callable[[], Composed],
    modules: Sequence[str],
    prepare: Callable[[Composed], Callable[[Any], Any] | None] = lambda composed: None,
) -> Composed:
    """What `compose` gives, with `modules` imported by then.

    A mistake is told by the fork, and this process then ends as it did, wherever its imports are.

    Args:
        compose: without torch, and with nothing left behind but what it gives and says.
        modules: that are needed next; where there is no fork they are not imported.
        prepare: called in the fork with what was composed; imports what a function needs that
            `done_aside` will be asked for, and gives that function, or None.

    Raises:
        SeedbedError: as `compose`, in the fork or where there is none.
    """
    global _waiting
    if not fast_start.may_fork():
        return compose()
    _waiting = _Fork(lambda: compose(), prepare)
    return _waiting.composed(modules)  # type: ignore[no-any-return]


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
        compose, prepare: as `composed_ahead` has them.
    """

    def __init__(
        self,
        compose: Callable[[], Any],
        prepare: Callable[[Any], Callable[[Any], Any] | None],
    ) -> None:
        self.parent = os.getpid()
        composed, give = os.pipe()
        take, asked = os.pipe()
        answer, reply = os.pipe()
        self.child = forks.fork()
        if not self.child:
            for end in (composed, asked, answer):
                os.close(end)
            _wait_to_be_asked(prepare(_hand_over(compose, give)), take, reply)
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


def _wait_to_be_asked(function: Callable[[Any], Any] | None, take: int, reply: int) -> NoReturn:
    """The fork's second part: one question, if it comes in time, for the function that it knows."""
    try:
        if function is not None and select.select([take], [], [], WAIT_SECONDS)[0]:
            with os.fdopen(take, "rb") as pipe:
                question = pipe.read()
            name, argument = pickle.loads(question) if question else ("", None)
            if name == _name(function):
                answer = pickle.dumps(function(argument))
                with os.fdopen(reply, "wb") as pipe:
                    pipe.write(answer)
    finally:
        os._exit(0)
