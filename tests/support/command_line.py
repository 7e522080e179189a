"""The command line, in this process or in one of its own, and what it said."""

import contextlib
import gc
import importlib
import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any
from unittest import mock

from support import processes


@dataclass(frozen=True)
class Result:
    """What a command said, and how it ended.

    Args:
        code: the exit code.
        out: standard output.
        err: standard error.
        folder: where it ran.
    """

    code: int
    out: str
    err: str
    folder: Path

    @property
    def errors(self) -> list[str]:
        """The `error:` lines."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]

    @property
    def run(self) -> Path:
        """The run directory that the last `run:` line names."""
        return self._last("run: ")

    @property
    def sweep(self) -> Path:
        """The directory that the last `sweep:` line names."""
        return self._last("sweep: ")

    def _last(self, label: str) -> Path:
        lines = [line for line in self.out.splitlines() if line.startswith(label)]
        assert lines, f"no '{label}' line; exit code {self.code}, standard error:\n{self.err}"
        return self.folder / lines[-1].removeprefix(label)


Command = Callable[..., Result]


def in_another_process(*words: object, **settings: object) -> Result:
    """Runs the command line in a process of its own; settings are those of `subprocess.run`."""
    return _ended(processes.run, words, settings)


def in_a_new_python(*words: object, **settings: object) -> Result:
    """As `in_another_process`, but nothing is imported: for tests of how the program starts."""
    return _ended(subprocess.run, words, settings)


def _ended(run: Callable[..., Any], words: Sequence[object], settings: Mapping[str, Any]) -> Result:
    line = [sys.executable, "-m", "seedbed", *map(str, words)]
    done = run(line, capture_output=True, text=True, timeout=200, check=False, **settings)
    return Result(done.returncode, done.stdout, done.stderr, Path.cwd())


def in_this_process(*words: object) -> Result:
    """Runs the command line here; use it within `as_in_a_process_of_its_own`."""
    from seedbed.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            _close_log()
            gc.enable()
    return Result(code, out.getvalue(), err.getvalue(), Path.cwd())


@contextlib.contextmanager
def as_in_a_process_of_its_own(folder: Path) -> Iterator[None]:
    """Puts back what the end of a process would; modules in `folder` are forgotten."""
    path_before = list(sys.path)
    with modules_forgotten(folder), mock.patch.dict(os.environ):
        for name in ("SEEDBED_ALLOW", "SEEDBED_DEBUG"):
            os.environ.pop(name, None)
        yield
    sys.path[:] = path_before
    importlib.invalidate_caches()


@contextlib.contextmanager
def modules_forgotten(folder: Path) -> Iterator[None]:
    """Forgets what is imported inside from a folder: another test's may have the same name."""
    last = next(reversed(sys.modules))
    try:
        yield
    finally:
        _forget(folder, last)


def _forget(folder: Path, last: str) -> None:
    """Forgets the modules of a folder that were imported after another; all, if that is gone."""
    imported_since = takewhile(lambda name: name != last, reversed(sys.modules))
    for name in list(imported_since):
        module = sys.modules[name]
        if str(getattr(module, "__file__", None)).startswith(f"{folder}{os.sep}"):
            del sys.modules[name]


def _close_log() -> None:
    """A process has one run, and closes its log at its end."""
    logger = logging.getLogger("seedbed")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        with contextlib.suppress(OSError):  # of a full disk
            handler.close()
