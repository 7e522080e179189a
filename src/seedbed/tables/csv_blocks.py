"""The bytes of a large CSV, by blocks of whole records, by the rules of `csv_records.py`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seedbed.tables.csv_records import record_pattern

BLOCK_BYTES = 2**22
"""Read at once."""

MOST_BLOCKS = 4
"""That may be without the end of a record; then the rest is looked at as one."""


@dataclass(frozen=True)
class Block:
    """Bytes of a CSV, from the end of a record to that of a later one.

    Args:
        content: with the line ends between its records.
        ends: where each record ends in it, before its line end.
    """

    content: bytes
    ends: Sequence[int]


def blocks(pieces: Iterable[bytes], delimiter: str) -> Iterator[Block]:
    """All bytes of a CSV in UTF-8; only the last block may be without a record.

    Args:
        pieces: of the content, without a byte order mark.
        delimiter: one ASCII character.
    """
    remaining = iter(pieces)
    rest = b""
    for piece in remaining:
        content = rest + piece
        if len(rest) > MOST_BLOCKS * BLOCK_BYTES:
            content += b"".join(remaining)
        ends, cut = _complete(content, delimiter)
        if cut:
            yield Block(content[:cut], ends)
        rest = content[cut:]
    if rest:
        yield Block(rest, [match.end() for match in record_pattern(delimiter).finditer(rest)])


def _complete(content: bytes, delimiter: str) -> tuple[Sequence[int], int]:
    """Where the records end that are there to their line end, and what lies before the others."""
    if b'"' in content or content.count(b"\r") != content.count(b"\r\n"):
        ends = [match.end() for match in record_pattern(delimiter).finditer(content)]
        if ends and ends[-1] == len(content):
            ends.pop()
        return ends, ends[-1] if ends else 0
    cut = content.rfind(b"\n") + 1
    text = np.frombuffer(content, dtype=np.uint8, count=cut)
    lines = np.flatnonzero(text == ord("\n"))
    starts = np.append(0, lines[:-1] + 1) if cut else lines
    ended = lines - ((lines > starts) & (text[lines - 1] == ord("\r")))
    return ended[ended > starts].tolist(), cut
