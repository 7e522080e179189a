"""Bounds what a command may take to open a run, which may be a stranger's: its memory and its time.

The system itself refuses more memory, and a thread ends the process in time. What lies in the files
raises both bounds. Only the console script may bound its process: called from Python, Seedbed
leaves it as it is.
"""

import math
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seedbed.errors import ArgumentError, LimitError, SeedbedError
from seedbed.process import signals
from seedbed.process.memory import memory_bytes, resident_bytes
from seedbed.runs.data_paths import ENDINGS, FILE_KEYS, IMAGE_ENDINGS, files_named
from seedbed.runs.layout import RunPaths
from seedbed.runs.stored import stored_bytes

try:
    import resource
except ImportError:  # Windows bounds no process from within
    resource = None  # type: ignore[assignment]

MEMORY_VARIABLE = "SEEDBED_OPEN_GB"
SECONDS_VARIABLE = "SEEDBED_OPEN_SECONDS"
"""What the reader sets to open more than is allowed; `inf` for no bound."""

GIGABYTE = 2**30
MEMORY = 2.0
"""Gigabytes beside what the process has when it begins to open."""

SECONDS = 60.0
"""Of work: the smaller of the time that passes and the time that the process computes."""

TORCH = 2**29
"""Bytes that importing torch takes, with room."""

THREAD = 17 * 2**20
"""Bytes of the stacks that a processor's threads have."""

MEMORY_PER_BYTE = 12
"""How much a byte on the disk may become: of weights, or of a table as text."""

SHOWN = 3
"""How often that much again, where all numbers are written out."""

SECONDS_PER_BYTE = 1e-6

TICK = 0.1
"""Seconds between two looks."""

GRAPHICS = ("/dev/nvidiactl", "/dev/kfd")
"""Their drivers ask for regions of memory that are never used; it is only watched there."""

WITHOUT_MEMORY = ("allocate memory", "bad_alloc", "malloc of size", "not enough memory",
                  "unable to allocate")  # fmt: skip
"""What torch, NumPy and Arrow say of memory that they do not get."""


_now: list["Opening"] = []
"""The bounds that hold now, the last one inside the others."""


class Opening:
    """The bounds while a run is opened.

    Args:
        what: that is opened, for the error.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._asked_memory = _asked(MEMORY_VARIABLE)
        self._asked_seconds = _asked(SECONDS_VARIABLE)
        self.memory = self._asked_memory or MEMORY
        self.seconds = self._asked_seconds or SECONDS
        self._over = threading.Event()
        self._base = resident_bytes()
        self._data = _data()
        self._filters = [*warnings.filters]
        self._before: tuple[int, int] | None = None
        self._began = time.monotonic(), time.process_time()

    def begin(self) -> None:
        """From now on the bounds hold."""
        # Arrow's own pool reserves a gigabyte at its first use.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        warnings.simplefilter("ignore")
        self._bound_memory()
        threading.Thread(target=self._watch, daemon=True).start()

    def justified_by(self, files: Iterable[Path]) -> None:
        """Raises the bounds that nobody set by what is really in the files."""
        size = sum(map(allocated, files))
        if self._asked_memory is None:
            most = memory_bytes() / GIGABYTE
            self.memory = min(self.memory + size * MEMORY_PER_BYTE / GIGABYTE, max(most, MEMORY))
        if self._asked_seconds is None:
            self.seconds += size * SECONDS_PER_BYTE
        if self._before is not None:
            self._bound_memory()

    def for_many(self) -> None:
        """Takes away the bound of time that nobody set: each of many runs has bounds of its own."""
        if self._asked_seconds is None:
            self.seconds = math.inf

    def end(self) -> None:
        """The bounds hold no longer."""
        if self.is_over:
            return
        self._over.set()
        warnings.filters[:] = self._filters  # type: ignore[index]
        if self._before is not None:
            resource.setrlimit(resource.RLIMIT_DATA, self._before)

    @property
    def is_over(self) -> bool:
        """Whether they hold no longer."""
        return self._over.is_set()

    def too_much_memory(self) -> str:
        """What is told then."""
        return (
            f"opening '{self.what}' takes more than {self.memory:.3g} GB of memory, more than its "
            f"files account for; if you trust it, type {MEMORY_VARIABLE}={4 * self.memory:.2g} "
            "before the command"
        )

    def _bound_memory(self) -> None:
        if self._data is None or math.isinf(self.memory) or any(map(os.path.exists, GRAPHICS)):
            return
        if self._before is None:
            self._before = resource.getrlimit(resource.RLIMIT_DATA)
        to_come = 0 if "torch" in sys.modules else TORCH
        most = self._data + int(self.memory * GIGABYTE) + to_come + (os.cpu_count() or 1) * THREAD
        hard = self._before[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))

    def _watch(self) -> None:
        while not self._over.wait(TICK):
            passed, computed = time.monotonic(), time.process_time()
            if min(passed - self._began[0], computed - self._began[1]) > self.seconds:
                _end(
                    f"opening '{self.what}' takes more than {self.seconds:.3g} s; if you trust it, "
                    f"type {SECONDS_VARIABLE}={10 * self.seconds:.3g} before the command"
                )
            if resident_bytes() - self._base > self.memory * GIGABYTE + TORCH:
                _end(self.too_much_memory())


@contextmanager
def opening(run: str | Path, *files: str | None, shown: bool = False) -> Iterator[Opening]:
    """Bounds the process while a run is opened; also silences what libraries warn of.

    Args:
        run: its directory.
        files: of rows, beside it.
        shown: all weights become text.

    Raises:
        LimitError: if it takes more memory than the bound.
        ArgumentError: if a bound that the reader sets is no number.
    """
    bounds = Opening(str(run))
    paths = RunPaths(Path(run))
    held = [paths.model, paths.last, paths.best, *(Path(file) for file in files if file)]
    bounds.justified_by(held * (1 + SHOWN * shown))
    if not signals.ours_alone():
        yield bounds
        return
    bounds.begin()
    _now.append(bounds)
    try:
        yield bounds
    except Exception as err:
        was_over = bounds.is_over
        bounds.end()
        if _is_of_memory(err) and not was_over:
            raise LimitError(bounds.too_much_memory()) from err
        raise
    finally:
        _now.remove(bounds)
        bounds.end()


def justified_by_what_came(files: Iterable[Path]) -> None:
    """Raises the bounds that hold now, if some do, by files that were brought from elsewhere."""
    for bounds in _now[-1:]:
        if not bounds.is_over:
            bounds.justified_by(files)


def files_of(config: Mapping[str, Any]) -> list[Path]:
    """The data files that a run's config names."""
    data = config.get("data")
    specs = [data.get(key) for key in FILE_KEYS] if isinstance(data, Mapping) else []
    images = isinstance(data, Mapping) and data.get("source") == "images"
    endings = IMAGE_ENDINGS if images else ENDINGS
    return [found.path for spec in specs for found in files_named(spec, endings)]


def allocated(file: Path) -> int:
    """Bytes that a file has on the disk; holes in it have none."""
    try:
        told = file.stat()
    except (OSError, ValueError):
        return stored_bytes(file)
    return min(told.st_size, getattr(told, "st_blocks", math.inf) * 512)  # type: ignore[return-value]


def _asked(variable: str) -> float | None:
    text = os.environ.get(variable)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number > 0:
        raise ArgumentError(f"{variable} must be a number > 0, or inf, got '{text[:80]}'")
    return number


def _is_of_memory(err: BaseException) -> bool:
    """Whether an error, or what it came of, is that there was no memory."""
    seen: BaseException | None = err
    for _ in range(20):
        if seen is None:
            return False
        text = str(seen).lower() if not isinstance(seen, SeedbedError) or seen is err else ""
        if isinstance(seen, MemoryError) or any(words in text for words in WITHOUT_MEMORY):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _end(problem: str) -> None:
    """Ends the process, whatever its other threads do."""
    signals.do_what_is_left()
    os.write(2, f"error: {problem}\n".encode(errors="backslashreplace"))
    os._exit(2)


def _data() -> int | None:
    """Bytes that count for the system's bound; None where it has no such bound."""
    try:
        told = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(told.partition("VmData:")[2].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        return None
