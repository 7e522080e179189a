"""What makes the console script begin and end sooner; SEEDBED_FAST_START=0 turns all of it off.

A fork composes the config while this process imports torch, others share the writing of many runs,
the garbage collector rests during imports, and the process ends without taking its objects apart.
Nothing depends on that but time. The console script alone says `begin`; without it every function
here does the plain thing, so a process that imports Seedbed stays as it was.
"""

# Little is imported here: `seedbed --help` waits for it.
import atexit
import gc
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from seedbed.process import streams
from seedbed.process.exit_codes import RUN_FAILED

Composed = TypeVar("Composed")

SWITCH = "SEEDBED_FAST_START"

_in_use = False
_resting = False


def is_wanted() -> bool:
    """Whether the user has not turned the tricks off."""
    return os.environ.get(SWITCH) != "0"


def begin() -> None:
    """Turns the tricks on: nothing but the console script is in this process."""
    global _in_use, _resting
    if is_wanted():
        _in_use = _resting = True
        gc.disable()  # collecting while torch is imported costs a sixth of the start


def is_in_use() -> bool:
    """Whether the tricks are on; nothing but the console script is in this process then."""
    return _in_use


def may_fork() -> bool:
    """Whether another process may take a share of the work: it gains something, and is safe."""
    from seedbed.process import threads

    return _in_use and (os.cpu_count() or 1) > 1 and threads.may_fork()


def imports_done() -> None:
    """Called by every command once it has imported what it needs, before its work begins."""
    global _resting
    from seedbed.process import threads

    if _resting:
        _resting = False
        gc.freeze()  # modules stay to the end; to look them through again costs time
        gc.enable()
        threads.note_imported()


def end(code: object) -> NoReturn:
    """Ends the process, and tells of output that was lost.

    Python takes every object apart before it ends, which takes half a second and more where torch
    is among them. With the tricks on, only what was registered to be done at the end is done.

    Args:
        code: as for `sys.exit`.
    """
    others = [one for one in threading.enumerate() if not one.daemon]
    at_once = _in_use and len(others) == 1  # a model of the user's may have threads
    if at_once:
        atexit._run_exitfuncs()
    reason = streams.lost()
    if reason is not None:
        sys.stderr.write(f"error: cannot write the output: {reason}\n")
        code = code or RUN_FAILED
    if not at_once or code not in range(256):
        sys.exit(code)  # type: ignore[arg-type]
    assert isinstance(code, int)
    os._exit(code)


def composed_ahead(compose: Callable[[], Composed], modules: Sequence[str]) -> Composed:
    """What `compose` gives, with `modules` imported by then.

    Composing and importing torch each take about a second, and neither needs the other: a fork
    composes. A mistake is told by the fork, and this process then ends as it did, wherever its
    imports are.

    Args:
        compose: without torch, and with nothing left behind but what it gives and says.
        modules: that are needed next; where there is no fork they are not imported.

    Raises:
        SeedbedError: as `compose`, in the fork or where there is none.
    """
    from seedbed.process import forks

    if not may_fork():
        return compose()
    ours, theirs = os.pipe()
    child = forks.fork()
    if not child:
        os.close(ours)
        _hand_over(compose, theirs)
    os.close(theirs)
    return _Fork(child, ours).awaited(modules)  # type: ignore[no-any-return]


def _hand_over(compose: Callable[[], object], pipe: int) -> NoReturn:
    """The fork's part. A mistake goes up to `main`, which tells it and ends the fork."""
    import pickle

    result = pickle.dumps(compose())
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with os.fdopen(pipe, "wb") as file:
        file.write(result)
    os._exit(0)


class _Fork:
    """A fork that composes, as its parent sees it.

    Args:
        child: its process.
        pipe: its result comes from here.
    """

    def __init__(self, child: int, pipe: int) -> None:
        self.child = child
        self.pipe = pipe
        self.result = b""

    def awaited(self, modules: Sequence[str]) -> Any:
        """Imports, and then waits for the fork's result."""
        import importlib
        import pickle

        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        for module in modules:
            importlib.import_module(module)
        listener.join()
        return pickle.loads(self.result)

    def _listen(self) -> None:
        """Ends this process if the fork sends nothing: it has told a mistake then.

        A signal that ended the fork ends this process as well, which may have had it already.
        """
        from seedbed.process import forks, signals

        with os.fdopen(self.pipe, "rb") as file:
            self.result = file.read()
        code = forks.reap(self.child)
        if self.result:
            return
        if -code in signals.SIGNALS and not signals.is_ending():
            os.kill(os.getpid(), -code)
        if -code in signals.SIGNALS or signals.is_ending():
            threading.Event().wait()
        if code < 0:
            message = f"error: the process that composes the config died of signal {-code}\n"
            sys.stderr.write(message)
        os._exit(code if code > 0 else RUN_FAILED)
