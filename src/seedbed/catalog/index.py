"""What was read of the runs below a folder, kept in one file, so that it is read once.

The file is read whole and replaced whole, so that no process sees a part of it. A run's files are
believed over it: what it holds of a run counts while every file has the times, size and inode that
it had. As nobody can choose when the system says that a file was changed, an index that came with a
stranger's runs never counts.
"""

import time
from contextlib import suppress
from pathlib import Path

from seedbed.catalog.index_content import (
    Rows,
    content_of,
    part_of,
    read_content,
    with_records,
)
from seedbed.catalog.record import RunRecord
from seedbed.catalog.rows import record_of
from seedbed.catalog.stamps import Stamp, digest_now, files_of
from seedbed.errors import RunDirectoryError
from seedbed.runs.files import UNPRINTABLE, open_plain, printable
from seedbed.runs.layout import RUN_INDEX
from seedbed.runs.outputs import write_output

LEAST_RUNS = 200
"""Below a folder; fewer are read again in a tenth of a second."""

WORTH = 0.01
"""Of the runs; so many must have changed that to write the file takes less than to read them."""

SETTLED_SECONDS = 2.0
"""How old a file must be; one that was written just now may change without changing its times."""

LARGEST = 2**28
"""Bytes of an index that is read."""

DAMAGED = (
    AttributeError, ValueError, TypeError, KeyError, IndexError, RecursionError, MemoryError
)  # fmt: skip
"""What a file that is not as it was written raises when it is read."""


class Index:
    """The runs below one folder that need not be read again.

    Args:
        folder: that is looked at.
        keep: whether the file may be written; else what is read is forgotten.
    """

    def __init__(self, folder: str, *, keep: bool) -> None:
        self.file = Path(folder) / RUN_INDEX
        self.problem = ""
        self._keep = keep
        self._fresh: dict[str, tuple[str, RunRecord, bool]] = {}
        self._seen: set[str] = set()
        self._plain: list[object] = []
        self._known: Rows = {}
        with suppress(*DAMAGED):
            self._plain, self._known = read_content(_content(self.file) if keep else b"")
        self._parts = [part_of(one) for one in self._plain]

    def known(self, name: str, path: str, sweep: Path | None) -> tuple[RunRecord, bool] | None:
        """The run in a directory as it was read, and whether there may be runs in the directory.

        Returns:
            None where it has not been read yet, or its files have changed.
        """
        stamp, row = self._known.get(name, ("", None))
        if row is None:
            return None
        record = record_of(row, self._parts, Path(path), name, sweep)
        if digest_now(path, files_of(record)) != stamp:
            return None
        self._seen.add(name)
        return record, row[1]

    def add(self, name: str, stamp: Stamp, record: RunRecord, *, nested: bool) -> None:
        """Takes in what was just read.

        Args:
            name: of the run below the folder.
            stamp: taken before it was read.
            record: as it was read.
            nested: whether there may be runs in its directory.
        """
        self._seen.add(name)
        is_settled = time.time_ns() - stamp.newest > SETTLED_SECONDS * 1e9
        if is_settled and not UNPRINTABLE.search(name):
            self._fresh[name] = stamp.digest(files_of(record)), record, nested

    def close(self, *, belongs: bool = True) -> None:
        """Writes the file, if that saves more than it takes; says in `problem` if it cannot.

        Args:
            belongs: whether a file of ours belongs into the folder.
        """
        gone = self._known.keys() - self._seen
        changed, runs = len(self._fresh) + len(gone), len(self._seen)
        if self._known and runs < LEAST_RUNS:  # of ours, for runs that are gone
            with suppress(OSError):
                self.file.unlink()
        elif self._keep and changed and runs >= LEAST_RUNS and changed >= WORTH * runs:
            if belongs:
                self._write()
            else:
                self.problem = (
                    f"the runs lie deep below '{printable(str(self.file.parent))}', where no index "
                    "of them is kept; name the folder that they are in"
                )

    def _write(self) -> None:
        left = {name: own for name, own in self._known.items() if name in self._seen}
        try:
            write_output(self.file, content_of(*with_records(self._plain, left, self._fresh)))
        except RunDirectoryError as err:
            self.problem = err.problems[0]


def _content(file: Path) -> bytes:
    """The file's bytes.

    Raises:
        ValueError: if there is none, or it is no plain file or too large.
    """
    try:
        with open_plain(file) as opened:
            content = opened.read(LARGEST)
    except (OSError, RunDirectoryError) as err:
        raise ValueError from err
    if not content or len(content) == LARGEST:
        raise ValueError(file)
    return content
