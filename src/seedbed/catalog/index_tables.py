"""The two tables of the index, as SQLite keeps them: what runs share, and the rest of each."""

import json
import marshal
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from seedbed.catalog.record import RunRecord
from seedbed.catalog.rows import row_of, shared_parts
from seedbed.runs.files import UNPRINTABLE

VERSION = 3
"""Of what a record is; an index of another version is made anew."""

SCHEMA = (
    "CREATE TABLE parts (id INTEGER PRIMARY KEY, content TEXT NOT NULL)",
    "CREATE TABLE runs (name TEXT PRIMARY KEY, stamp BLOB NOT NULL, content TEXT NOT NULL)",
    "CREATE TABLE digest (of_all BLOB NOT NULL)",
)
"""The contents are JSON: of what runs share in `parts`, of the rest in `runs`."""

ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\u")
"""A control character in JSON; a record has none."""


def refuse_another_kind(database: sqlite3.Connection) -> None:
    """Asks that there is nothing in it but our tables, so that nothing runs when they are read.

    Raises:
        ValueError: if it is not so.
    """
    database.execute("PRAGMA trusted_schema = OFF")
    statements = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION or tuple(sql for (sql,) in statements) != SCHEMA:
        raise ValueError(version)


def new_tables() -> sqlite3.Connection:
    """Empty ones, in memory."""
    database = sqlite3.connect(":memory:")
    for statement in SCHEMA:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")
    return database


def all_rows(database: sqlite3.Connection) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows of both tables, in one order."""
    rows = database.execute("SELECT name, stamp, content FROM runs ORDER BY name").fetchall()
    parts = database.execute("SELECT id, content FROM parts ORDER BY id").fetchall()
    return rows, parts


def digest_of(*tables: Iterable[tuple[Any, ...]]) -> bytes:
    """Of all cells of tables."""
    digest = blake2b(digest_size=16)
    for table in tables:
        for row in table:
            for cell in row:
                digest.update(cell if isinstance(cell, bytes) else f"{cell}\0".encode())
    return digest.digest()


def contents_of(rows: Iterable[tuple[Any, str]]) -> list[Any]:
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


def store(
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
        database.execute("INSERT INTO digest VALUES (?)", (digest_of(*all_rows(database)),))


def part_of(content: Any) -> Any:
    """A part as a record has it."""
    return frozenset(content) if isinstance(content, list) else content


def _text(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)
