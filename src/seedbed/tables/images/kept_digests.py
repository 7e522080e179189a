"""What image files hold, by SHA-256: a file is read again where it may be another than before.

A digest is kept for later runs beside what the system tells of its file. It holds as long as all of
that is the same, if the file had not changed for `SETTLED` when it was read. Whatever is written
after that gives it another time of change (`st_ctime`), which nobody can choose, as the time of
writing can be. A file that changed just before is read again, as times of some disks are whole
seconds, of FAT even ones; and all are where the system tells no time of change.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from seedbed.errors import RunDirectoryError
from seedbed.runs.files import write_bytes
from seedbed.runs.user_cache import user_cache
from seedbed.tables.images.cache import checksum

SETTLED = 4 * 10**9
"""Nanoseconds."""

MOST_KEPT = 64
"""Sets of files."""

UNTOLD = (0,) * 5
"""Of a file of which the system does not tell enough."""

KEPT = np.dtype([("told", "<u8", 5), ("digest", "S64")])


def digests_of(paths: Sequence[Path], taken: Callable[[Sequence[int]], Iterable[str]]) -> list[str]:
    """Of each file, in order.

    Args:
        paths: of the files.
        taken: takes them of the files of these numbers.
    """
    told = np.array([_told(path) for path in paths], dtype=np.uint64)
    kept = _file_for(paths)
    found = _read(kept, len(paths))
    is_told = told.any(axis=1)
    same = is_told & (found["told"] == told).all(axis=1)
    again, begun = np.flatnonzero(~same), time.time_ns()
    found["digest"][again] = [*taken(again.tolist())]
    settled = same | (is_told & (told[:, :2].max(axis=1) < begun - SETTLED))
    if settled[again].any():
        found["told"] = np.where(settled[:, None], told, np.uint64(0))
        _keep(kept, found)
    digests: list[str] = found["digest"].astype(str).tolist()
    return digests


def _told(path: Path) -> tuple[int, ...]:
    """The times of change and of writing, and what else differs between files."""
    if os.name == "nt":  # where the first is the time at which a file was made
        return UNTOLD
    try:
        file = os.open(path, os.O_RDONLY)  # which has NFS ask the server anew
    except (OSError, ValueError):  # which reading it tells
        return UNTOLD
    try:
        one = os.fstat(file)
    finally:
        os.close(file)
    numbers = one.st_ctime_ns, one.st_mtime_ns, one.st_size, one.st_ino, one.st_dev
    return tuple(number % 2**64 for number in numbers)


def _file_for(paths: Sequence[Path]) -> Path | None:
    """Where the digests of these files are kept; None where nothing can be."""
    name = sha256("\0".join(str(path.absolute()) for path in paths).encode(errors="replace"))
    try:
        return user_cache("digests") / name.hexdigest()
    except (OSError, RuntimeError):
        return None


def _read(kept: Path | None, files: int) -> Any:
    """What was kept of so many files; untold, if it is not whole."""
    found = np.zeros(files, dtype=KEPT)
    with suppress(OSError):
        if kept is not None:
            content = kept.read_bytes()
            if len(content) == 4 + found.nbytes and content[:4] == checksum(content[4:]):
                os.utime(kept)  # those that were not asked for the longest go
                return np.frombuffer(bytearray(content[4:]), dtype=KEPT)
    return found


def _keep(kept: Path | None, found: Any) -> None:
    """Keeps them; where that fails, the next run reads the files again."""
    if kept is None:
        return
    content = found.tobytes()
    with suppress(OSError, RunDirectoryError):
        write_bytes(kept, checksum(content) + content)
        every = sorted(kept.parent.iterdir(), key=lambda one: one.stat().st_mtime_ns)
        for one in every[:-MOST_KEPT]:
            one.unlink(missing_ok=True)
