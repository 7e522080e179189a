"""The process that `support.processes` forks: it has imported what commands need, and does nothing.

`python forking.py NUMBER [MODULE …]`; it has imported these modules alone, if any. It is asked over
the socket of that number, and ends when nobody can ask any more. The asking process adopts the
fork, as the one between the two ends at once.
"""

import atexit
import builtins
import codecs
import ctypes
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
import threading
import time
import types
import weakref
from pathlib import Path
from typing import Any

IMPORTED = """
    torch numpy hydra yaml sklearn.datasets matplotlib.figure tensorboard.compat.proto.event_pb2
    seedbed.cli.train seedbed.cli.validate seedbed.cli.resume seedbed.cli.predict
    seedbed.cli.reproduce seedbed.compose.compose seedbed.compose.sweep_jobs seedbed.api.training
    seedbed.recording.run seedbed.fused.engine seedbed.training.reproduce seedbed.views.trained
    """
"""What a command may import; a fork may still import more."""

MOST = 200_000
"""Bytes of a request."""


def asked_for(asked: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Forks as often as it is asked; returns in each fork, with what it is to become."""
    while True:
        request, files, _, _ = socket.recv_fds(asked, MOST, 3)
        if not request:
            os._exit(0)
        between = os.fork()
        if not between:
            me, child = os.getpid(), os.fork()
            if not child:
                while os.getppid() == me:
                    time.sleep(0.0001)
                return json.loads(request), files
            asked.send(str(child).encode())
            os._exit(0)
        os.waitpid(between, 0)
        for file in files:
            os.close(file)


def take(place: dict[str, Any], files: list[int]) -> None:
    """Takes the folder, the variables, the files and the group that a new process would have."""
    os.environ.clear()
    os.environ.update(place["variables"])
    os.chdir(place["folder"])
    paths = place["variables"].get("PYTHONPATH")
    sys.path[1:1] = map(os.path.abspath, paths.split(os.pathsep)) if paths else []
    os.umask(place["umask"])
    if place["session"]:
        os.setsid()
    if place["group"] != -1:
        os.setpgid(0, place["group"])
    for number, file in enumerate(files):
        os.dup2(file, number)


def _stream(number: int, like: Any) -> Any:
    """A standard stream as Python opens it; unbuffered if this Python was asked for that."""
    buffered = hasattr(like.buffer, "raw")
    buffer = open(  # noqa: SIM115 - open to the end
        number, f"{like.mode}b", buffering=-1 if buffered else 0, closefd=False
    )
    getattr(buffer, "raw", buffer).name = like.name
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    errors = errors or ("strict" if encoding else like.errors)
    stream = io.TextIOWrapper(
        buffer, codecs.lookup(encoding or like.encoding).name,
        "backslashreplace" if number == 2 else errors,
        "\n" if number else None,
        line_buffering=buffered and (number == 2 or buffer.isatty()),
        write_through=like.write_through,
    )  # fmt: skip
    stream.mode = like.mode
    return stream


def forget(interrupt: Any) -> None:
    """What no new process would share with another."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        setattr(sys, name, _stream(number, getattr(sys, f"__{name}__")))
        setattr(sys, f"__{name}__", getattr(sys, name))
    signal.signal(signal.SIGINT, interrupt)
    tempfile.tempdir = None
    sys.modules["numpy"].random.seed()
    importlib.invalidate_caches()


def run(words: list[str]) -> None:
    """Runs a program as `python WORDS` does."""
    main = types.ModuleType("__main__")
    vars(main)["__builtins__"] = builtins
    sys.modules["__main__"] = main
    sys.orig_argv = [sys.executable, *words]
    if words[0] == "-c":
        sys.argv, sys.path[0] = ["-c", *words[2:]], ""
        exec(compile(words[1], "<string>", "exec"), vars(main))
    elif words[0] == "-m":
        sys.argv, sys.path[0] = words[1:], os.getcwd()  # noqa: PTH109
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        path = os.path.abspath(words[0])  # noqa: PTH100 - as it is told, without links resolved
        sys.argv, sys.path[0] = words, os.path.dirname(os.path.realpath(path))  # noqa: PTH120
        vars(main)["__file__"] = path
        with io.open_code(path) as file:
            program = file.read()
        exec(compile(program, path, "exec"), vars(main))


def end(code: object) -> None:
    """Does at the end what Python does, but to take every object apart.

    That would copy the 200 MB that forks share, which takes a third of a second.
    """
    if not isinstance(code, int) or code not in range(256):
        sys.exit(code)  # type: ignore[arg-type]
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # and Python tells of it
    os._exit(code)


def warm_up() -> None:
    """Draws a picture, which has matplotlib read its fonts: every fork has them."""
    from seedbed.recording.figure import loss_figure

    loss_figure({"train/loss": ([1, 2], [2.0, 1.0]), "val/loss": ([1, 2], [2.0, 1.0])})


def leave_torchs_operators() -> None:
    """They are not taken out at the end of a fork: it would copy 25 MB that all share."""
    for one in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        known = one.peek()
        if known is not None and getattr(known[1], "__name__", "") == "_del_library":
            one.atexit = False


MADV_COLLAPSE, HUGE = 25, 2**21
"""Source: madvise(2), from Linux 6.1 on, and the size of a huge page on x86-64."""


def use_huge_pages() -> None:
    """Puts memory into huge pages, where the system can: a fork takes half the time."""
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    maps = Path("/proc/self/maps")
    for line in maps.read_text(encoding="utf-8").splitlines() if maps.exists() else ():
        addresses, flags, _, _, _, *name = line.split()
        if flags == "rw-p" and name in ([], ["[heap]"]):
            begin, end = (int(one, 16) for one in addresses.split("-"))
            begin, end = -(-begin // HUGE) * HUGE, end // HUGE * HUGE
            if begin < end:
                madvise(begin, end - begin, MADV_COLLAPSE)


if __name__ == "__main__":
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # it has nothing to say
    for module in sys.argv[2:] or IMPORTED.split():
        importlib.import_module(module)
    if not sys.argv[2:]:
        warm_up()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)  # to look through objects of a fork copies them
    leave_torchs_operators()
    use_huge_pages()
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        place, files = asked_for(asked)
        try:
            take(place, files)
        finally:
            asked.send(b"taken")
    forget(interrupt)
    try:
        run(place["words"])
    except SystemExit as asked_to:
        end(0 if asked_to.code is None else asked_to.code)
    end(0)
