"""What was read of the runs below a folder, kept in one SQLite file, so that it is read once.

The file is read whole into memory and replaced whole: SQLite locks nothing, leaves no journal, and
no process sees a part of it. A run's files are believed over it: what it holds of a run counts
while every file has the times, size and inode that it had. As nobody can choose when the system
says that a file was changed, an index that came with a stranger's runs never counts.
"""

import json
import marshal
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from seedbed.catalog.record import RunRecord
from seedbed.catalog.rows import Row, record_of, refuse_wrong_types, row_of, shared_parts
from seedbed.catalog.stamps import Stamp, digest_now, files_of
from seedbed.errors import RunDirectoryError
from seedbed.runs.files import UNPRINTABLE, open_plain, write_bytes
from seedbed.runs.layout import RUN_INDEX

VERSION = 1
"""Of what a record is; an index of another version is made anew."""

LEAST_RUNS = 200
"""Below a folder; fewer are read again in a tenth of a second."""

WORTH = 0.01
"""Of the runs; so many must have changed that to write the file takes less than to read them."""

SETTLED_SECONDS = 2.0
"""How old a file must be; one that was written just now may change without changing its times."""

LARGEST = 2**28
"""Bytes of an index that is read."""

SCHEMA = (
    "CREATE TABLE parts (id INTEGER PRIMARY KEY, content TEXT NOT NULL)",
    "CREATE TABLE runs (name TEXT PRIMARY KEY, stamp BLOB NOT NULL, content TEXT NOT NULL)",
    "CREATE TABLE digest (of_all BLOB NOT NULL)",
)
"""The contents are JSON: of what runs share in `parts`, of the rest in `runs`."""

MOST_PARTS = 40
"""For each run; where there are more, most are of runs that are gone."""

ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\u")
"""A control character in JSON; a record has none."""

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
            self._database = _new()

    def _load(self, content: bytes) -> None:
        """Takes over all rows of the file, each checked."""
        self._database.deserialize(content)
        _refuse_another_kind(self._database)
        rows, parts = _rows(self._database)
        digest = self._database.execute("SELECT of_all FROM digest").fetchall()
        if digest != [(_digest(rows, parts),)] or len(parts) > MOST_PARTS * len(rows):
            raise ValueError(digest)
        numbers = [number for number, _ in parts]
        self._parts = dict(zip(numbers, map(_part, _json(parts)), strict=True))
        for (name, stamp, _), row in zip(rows, _json(row[1:] for row in rows), strict=True):
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

    def close(self) -> None:
        """Writes the file, if that saves more than it takes; says in `problem` if it cannot."""
        gone = self._known.keys() - self._seen
        changed, runs = len(self._fresh) + len(gone), len(self._seen)
        if self._known and runs < LEAST_RUNS:  # of ours, for runs that are gone
            with suppress(OSError):
                self.file.unlink()
        elif self._keep and changed and runs >= LEAST_RUNS and changed >= WORTH * runs:
            try:
                _store(self._database, self._fresh, gone)
                write_bytes(self.file, self._database.serialize())
            except RunDirectoryError as err:
                self.problem = err.problems[0]
        self._database.close()


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


def _refuse_another_kind(database: sqlite3.Connection) -> None:
    """Asks that there is nothing in it but our tables, so that nothing runs when they are read.

    Raises:
        ValueError: if it is not so.
    """
    database.execute("PRAGMA trusted_schema = OFF")
    statements = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION or tuple(sql for (sql,) in statements) != SCHEMA:
        raise ValueError(version)


def _new() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    for statement in SCHEMA:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")
    return database


def _rows(database: sqlite3.Connection) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows of both tables, in one order."""
    rows = database.execute("SELECT name, stamp, content FROM runs ORDER BY name").fetchall()
    parts = database.execute("SELECT id, content FROM parts ORDER BY id").fetchall()
    return rows, parts


def _digest(*tables: Iterable[tuple[Any, ...]]) -> bytes:
    digest = blake2b(digest_size=16)
    for table in tables:
        for row in table:
            for cell in row:
                digest.update(cell if isinstance(cell, bytes) else f"{cell}\0".encode())
    return digest.digest()


def _json(rows: Iterable[tuple[Any, str]]) -> list[Any]:
    """The second column, read in one go.

    Raises:
        ValueError: if one is no JSON, or holds control characters.
    """
    text = f"[{','.join(content for _, content in rows)}]"
    if not text.isprintable() and UNPRINTABLE.search(text):
        raise ValueError("control characters")
    if "\\u" in text and ESCAPED.search(text):
        raise ValueError("control characters")
    contents: list[Any] = json.loads(text)
    return contents


def _store(
    database: sqlite3.Connection,
    fresh: Mapping[str, tuple[bytes, RunRecord, bool]],
    gone: Iterable[str],
) -> None:
    """Brings both tables up to date, and the digest of them."""
    numbers = {content: one for one, content in database.execute("SELECT id, content FROM parts")}

    packed_numbers: dict[bytes, int] = {}

    def number_of(part: Any) -> int:
        packed = marshal.dumps(part, 2)  # ten times as quick as JSON; most parts were seen before
        number = packed_numbers.get(packed)
        if number is None:
            content = _text(part)
            number = packed_numbers[packed] = numbers.setdefault(content, len(numbers))
            if number == len(numbers) - 1:
                row = number, content
                database.execute("INSERT OR IGNORE INTO parts VALUES (?, ?)", row)
        return number

    def rows() -> Iterator[tuple[str, bytes, str]]:
        for name, (stamp, record, nested) in fresh.items():
            parts = [number_of(part) for part in shared_parts(record)]
            yield name, stamp, _text(row_of(record, parts, nested=nested))

    with database:
        database.executemany("DELETE FROM runs WHERE name = ?", [(name,) for name in gone])
        database.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", list(rows()))
        database.execute("DELETE FROM digest")
        database.execute("INSERT INTO digest VALUES (?)", (_digest(*_rows(database)),))


def _part(content: Any) -> Any:
    """A part as a record has it."""
    return frozenset(content) if isinstance(content, list) else content


def _text(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)
