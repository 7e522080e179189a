"""Whether a fork of this process is safe: a fork has none of its threads, but all of their locks.

Two libraries hold pools of idle threads. OpenBLAS, which NumPy imports, ends its own before a fork.
OpenMP, in which torch computes, does not, and a fork that computes would wait for ever; but it can
be asked to end them, and makes new ones at its next operation.
"""

import os
import threading
import time
from functools import cache
from typing import Any

WAIT_SECONDS = 0.05
"""How long a thread may take to end that was told to."""

HARD = 2
"""`omp_pause_hard`: give back everything. Source: OpenMP 5.0, 3.2.44 omp_pause_resource_all."""

_imported: set[str] = set()


def note_imported() -> None:
    """Notes the threads that imports made; said before anything is computed."""
    _imported.update(_ids())


def may_fork() -> bool:
    """Whether this process has no thread that a fork would miss; ends the idle ones of OpenMP."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return False
    until = time.monotonic() + WAIT_SECONDS
    while _others():
        library = _openmp()
        if library is None or time.monotonic() > until:
            return False
        library.omp_pause_resource_all(HARD)
        time.sleep(0.001)
    return True


def _ids() -> set[str]:
    """Of the threads of this process, where the system lists them."""
    try:
        return set(os.listdir("/proc/self/task"))  # noqa: PTH208 - no paths are needed
    except OSError:
        return set()


def _others() -> bool:
    """Whether there is a thread that is neither the one that asks nor made by an import."""
    ids = _ids()
    return not ids or bool(ids - _imported - {str(threading.get_native_id())})


@cache
def _openmp() -> Any:
    """The library that torch has loaded; None where there is none, or one that cannot pause."""
    import ctypes  # here, as torch has imported it, and `seedbed --help` has not

    with open("/proc/self/maps", encoding="utf-8") as maps:  # noqa: PTH123 - not a file of ours
        loaded = {line.split()[-1] for line in maps if "libgomp" in line}
    for path in loaded:
        library = ctypes.CDLL(path)
        if hasattr(library, "omp_pause_resource_all"):
            return library
    return None
