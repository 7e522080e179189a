"""What was read of the runs below a folder, kept in one SQLite file, so that it is read once.

The file is read whole into memory and replaced whole: SQLite locks nothing, leaves no journal, and
no process sees a part of it. A run's files are believed over it: what it holds of a run counts
while every file has the times, size and inode that it had. As nobody can choose when the system
says that a file was changed, an index that came with a stranger's runs never counts.
"""

import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from seedbed.catalog.index_tables import (
    all_rows,
    contents_of,
    digest_of,
    new_tables,
    part_of,
    refuse_another_kind,
    store,
)
from seedbed.catalog.record import RunRecord
from seedbed.catalog.rows import Row, record_of, refuse_wrong_types
from seedbed.catalog.stamps import Stamp, digest_now, files_of
from seedbed.errors import RunDirectoryError
from seedbed.runs.files import open_plain, printable
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

MOST_PARTS = 40
"""For each run; where there are more, most are of runs that are gone."""

DAMAGED = (sqlite3.Error, ValueError, TypeError, KeyError, IndexError, RecursionError, MemoryError)
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
        self._known: dict[str, tuple[bytes, Row]] = {}
        self._parts: dict[int, Any] = {}
        self._fresh: dict[str, tuple[bytes, RunRecord, bool]] = {}
        self._seen: set[str] = set()
        self._database = sqlite3.connect(":memory:")
        try:
            self._load(_content(self.file) if keep else b"")
        except DAMAGED:
            self._known, self._parts = {}, {}
            self._database.close()
            self._database = new_tables()

    def _load(self, content: bytes) -> None:
        """Takes over all rows of the file, each checked."""
        self._database.deserialize(content)
        refuse_another_kind(self._database)
        rows, parts = all_rows(self._database)
        digest = self._database.execute("SELECT of_all FROM digest").fetchall()
        if digest != [(digest_of(rows, parts),)] or len(parts) > MOST_PARTS * len(rows):
            raise ValueError(digest)
        numbers = [number for number, _ in parts]
        self._parts = dict(zip(numbers, map(part_of, contents_of(parts)), strict=True))
        for (name, stamp, _), row in zip(rows, contents_of(row[1:] for row in rows), strict=True):
            refuse_wrong_types(row)
            self._known[name] = stamp, row

    def known(self, name: str, path: str, sweep: Path | None) -> tuple[RunRecord, bool] | None:
        """The run in a directory as it was read, and whether there may be runs in the directory.

        Returns:
            None where it has not been read yet, or its files have changed.
        """
        stamp, row = self._known.get(name, (b"", None))
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
        if time.time_ns() - stamp.newest > SETTLED_SECONDS * 1e9:
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
                self._write(gone)
            else:
                self.problem = (
                    f"the runs lie deep below '{printable(str(self.file.parent))}', where no index "
                    "of them is kept; name the folder that they are in"
                )
        self._database.close()

    def _write(self, gone: Iterable[str]) -> None:
        try:
            store(self._database, self._fresh, gone)
            write_output(self.file, self._database.serialize())
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
