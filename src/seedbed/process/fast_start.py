"""What makes the console script begin and end sooner; SEEDBED_FAST_START=0 turns all of it off.

A fork composes the config while this process imports torch, and draws at the end (`ahead.py`);
others share the writing of many runs, the garbage collector rests during imports, and the process
ends without taking its objects apart.
Nothing depends on that but time. The console script alone says `begin`; without it every function
here but `importing` does the plain thing, so a process that imports Seedbed stays as it was.
"""

# Little is imported here: `seedbed --help` waits for it.
import atexit
import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from seedbed.process import streams
from seedbed.process.exit_codes import RUN_FAILED

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
    from seedbed.process.cores import usable_cores

    return _in_use and usable_cores() > 1 and threads.may_fork()


def imports_done() -> None:
    """Called by every command once it has imported what it needs, before its work begins."""
    global _resting
    from seedbed.process import threads

    if _resting:
        _resting = False
        gc.freeze()  # modules stay to the end; to look them through again costs time
        gc.enable()
        threads.note_imported()


@contextmanager
def importing() -> Iterator[None]:
    """Inside, a process that is there for one task alone imports what it needs for that.

    The collector rests, and looks through what was imported neither later nor at the end. Of the
    2 CPU seconds that it takes to import torch and to end, this saves 0.5.
    """
    rests = is_wanted() and gc.isenabled()
    if rests:
        gc.disable()
    try:
        yield
    finally:
        if rests:
            gc.freeze()
            gc.enable()


def prepared() -> None:
    """Called before long work begins: what is there stays to the end of it.

    To look it through again and again costs time, and memory too: forks share it until either side
    writes into it, which the collector does with all that it looks through.
    """
    if _in_use:
        gc.collect(1)  # what is left over from preparing
        gc.freeze()


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
