"""The bytes of the index: JSON of what runs share and of the rest of each, behind a checksum."""

import json
import marshal
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from seedbed.catalog.record import RunRecord
from seedbed.catalog.rows import (
    Row,
    is_list_of_keys,
    refuse_wrong_types,
    row_of,
    shared_parts,
)
from seedbed.runs.files import UNPRINTABLE

VERSION = 4
"""Of what a record is; an index of another version is made anew."""

MOST_PARTS = 40
"""For each run; where there are more, most are of runs that are gone."""

DIGEST_BYTES = 16

ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\u")
"""A control character in JSON; a record has none."""

Rows = dict[str, tuple[str, Row]]
"""By the name of each run, the digest of its files and its row."""


def content_of(parts: Sequence[Any], rows: Mapping[str, tuple[str, Row]]) -> bytes:
    """The content of the file."""
    text = json.dumps([VERSION, parts, rows], ensure_ascii=False).encode()
    return _digest(text) + text


def read_content(content: bytes) -> tuple[list[Any], Rows]:
    """What the file holds, each row of it checked.

    Raises:
        ValueError, TypeError, …: if it is not as it was written.
    """
    text = content[DIGEST_BYTES:].decode()
    if content[:DIGEST_BYTES] != _digest(content[DIGEST_BYTES:]):
        raise ValueError("damaged")
    is_plain = text.isprintable() or not UNPRINTABLE.search(text)
    if not is_plain or ("\\u" in text and ESCAPED.search(text)):
        raise ValueError("control characters")
    version, parts, rows = json.loads(text)
    if version != VERSION or len(parts) > MOST_PARTS * len(rows):
        raise ValueError(version)
    mappings = frozenset(at for at, part in enumerate(parts) if type(part) is dict)
    lists = frozenset(at for at, part in enumerate(parts) if is_list_of_keys(part))
    if len(mappings) + len(lists) < len(parts):
        raise ValueError("a part that no record has")
    for _, row in rows.values():
        refuse_wrong_types(row, mappings, lists)
    return parts, rows


def with_records(
    parts: Sequence[Any], rows: Rows, fresh: Mapping[str, tuple[str, RunRecord, bool]]
) -> tuple[list[Any], Rows]:
    """Parts and rows with those of records that were read.

    Args:
        parts: before.
        rows: before.
        fresh: by the name of each run, the digest of its files, its record, and whether there may
            be runs in its directory.
    """
    numbers = {_packed(part): at for at, part in enumerate(parts)}
    every, found = list(parts), dict(rows)
    for name, (stamp, record, nested) in fresh.items():
        own = []
        for part in shared_parts(record):
            number = numbers.setdefault(_packed(part), len(every))
            if number == len(every):
                every.append(part)
            own.append(number)
        found[name] = stamp, row_of(record, own, nested=nested)
    return every, found


def part_of(content: Any) -> Any:
    """A part as a record has it."""
    return frozenset(content) if isinstance(content, list) else content


def _packed(part: Any) -> bytes:
    """Equal for equal parts, and ten times as quick as JSON; of a version that knows no object."""
    return marshal.dumps(part, 0)


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=DIGEST_BYTES).digest()
