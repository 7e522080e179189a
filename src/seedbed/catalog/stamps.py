"""Whether the files of a run are those that were read."""

import os
import struct
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from seedbed.catalog.record import RunRecord
from seedbed.runs.layout import RunPaths

_NAMES = RunPaths(Path())
COMMON = ("", *(f"/{path}" for path in (
    _NAMES.status, _NAMES.result, _NAMES.config,
    _NAMES.hydra / "config.yaml", _NAMES.hydra / "hydra.yaml",
)))  # fmt: skip
"""The directory itself, whose time changes when a file is added, replaced or taken away, and the
files that a record is read from and that nearly every run has."""

NOTES, HISTORY = f"/{_NAMES.notes}", f"/{_NAMES.history}"

NUMBERS = struct.Struct("4q")


class Stamp:
    """How the files of a run directory stand now: their times, sizes and inodes.

    Args:
        path: of the directory.
        files: of it, with a `/` in front; none for all that a record may be read from.
    """

    __slots__ = ("_packed", "newest")

    def __init__(self, path: str, files: Sequence[str] = ()) -> None:
        self._packed: dict[str, bytes] = {}
        self.newest = 0
        for file in files or (*COMMON, NOTES, HISTORY):
            try:
                stat = os.lstat(path + file)
            except OSError:
                self._packed[file] = b"-"
                continue
            modified, changed = stat.st_mtime_ns, stat.st_ctime_ns
            number = stat.st_ino & 2**63 - 1
            self._packed[file] = NUMBERS.pack(modified, changed, stat.st_size, number)
            self.newest = max(self.newest, modified, changed)

    def digest(self, files: Sequence[str]) -> bytes:
        """Equal for the same files as they stood."""
        return blake2b(b"".join(self._packed[one] for one in files), digest_size=16).digest()


def files_of(record: RunRecord) -> tuple[str, ...]:
    """The files that a record was read from; that others are not there, the directory tells."""
    return files_with(notes=bool(record.tags or record.note), history=not record.facts)


def files_with(*, notes: bool, history: bool) -> tuple[str, ...]:
    """The common files, and those of the others that are asked for."""
    return COMMON + (NOTES,) * notes + (HISTORY,) * history
