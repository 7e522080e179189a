"""Whether the files of a run are those that were read."""

import os
from array import array
from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
from pathlib import Path

from seedbed.catalog.record import RunRecord
from seedbed.runs.layout import RunPaths
from seedbed.runs.stored import pack_of, stamp_of

_NAMES = RunPaths(Path())
COMMON = ("", *(f"/{path}" for path in (
    _NAMES.status, _NAMES.result, _NAMES.config,
    _NAMES.hydra / "config.yaml", _NAMES.hydra / "hydra.yaml",
)))  # fmt: skip
"""The directory itself, whose time changes when a file is added, replaced or taken away, and the
files that a record is read from and that nearly every run has."""

NOTES, HISTORY = f"/{_NAMES.notes}", f"/{_NAMES.history}"

POSITIVE = 2**63 - 1
"""Bits of an inode's number that a signed one has room for."""

NO_FILE = (-1, -1, -1, -1)
"""No file has such an inode."""

Numbers = tuple[int, int, int, int]
"""When a file was written and changed, its size and its inode."""


class Stamp:
    """How the files of a run directory stand now, all that a record may be read from.

    Args:
        path: of the directory.
    """

    __slots__ = ("_numbers",)

    def __init__(self, path: str) -> None:
        files = (*COMMON, NOTES, HISTORY)
        self._numbers = dict(zip(files, _numbers(path, files), strict=True))

    @property
    def newest(self) -> int:
        """When the last of them was written or changed, in nanoseconds."""
        return max(max(numbers[:2]) for numbers in self._numbers.values())

    def digest(self, files: Sequence[str]) -> str:
        """Equal for the same files as they stood."""
        return _digest([self._numbers[one] for one in files])


def digest_now(path: str, files: Sequence[str]) -> str:
    """As `Stamp.digest`, of files as they stand now.

    Args:
        path: of the directory.
        files: of it, with a `/` in front.
    """
    return _digest(_numbers(path, files))


def _numbers(path: str, files: Sequence[str]) -> list[Numbers]:
    """Asks the system for each file: only so is one seen that was written over in its place.

    All files of a run in a pack stand as that does.
    """
    if not os.path.lexists(path) and (pack := pack_of(Path(path))) is not None:
        state = stamp_of(str(pack.path)) or NO_FILE
        return [state] * len(files)
    found = []
    for file in files:
        try:
            stat = os.lstat(path + file)
        except OSError:
            found.append(NO_FILE)
            continue
        inode = stat.st_ino & POSITIVE
        found.append((stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, inode))
    return found


def _digest(numbers: Sequence[Numbers]) -> str:
    flat = array("q", chain.from_iterable(numbers))
    return blake2b(flat, digest_size=16).hexdigest()


def files_of(record: RunRecord) -> tuple[str, ...]:
    """The files that a record was read from; that others are not there, the directory tells."""
    notes = (NOTES,) if record.tags or record.note else ()
    return (*COMMON, *notes, *(() if record.facts else (HISTORY,)))
