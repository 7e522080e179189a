"""How torch lays out the file of a checkpoint: an archive whose records are not compressed.

Source: caffe2/serialize/inline_container.cc; 4.3 and 4.5.3 of PKWARE's APPNOTE.TXT.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from zlib import crc32

InPieces = tuple[bytes, int, Callable[[], Iterator[Any]]]
"""A record's name, its size in bytes, and what gives its content."""

ALIGNMENT = 64
"""Bytes; every record begins at a multiple, so that the file can be mapped into memory."""

SIZES_BEHIND = 0x0008
FLAGS = 0x0800 | SIZES_BEHIND
"""Names in UTF-8; sizes and checksum stand behind the data, unless there is none."""

LONG = 0xFFFFFFFF
"""In place of a size, which stands elsewhere in 64 bits."""

SIZES, PLACE, BEHIND_LONG = map(struct.Struct, ("<HHQQ", "<HHQQQ", "<IIQQ"))
LOCAL = struct.Struct("<IHHHHHIIIHH")
BEHIND = struct.Struct("<IIII")
CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
ENDS = struct.Struct("<IQHHIIQQQQ" + "IIQI" + "IHHHHIIH")


def zipped(records: list[tuple[bytes, bytes]]) -> bytes:
    """The archive as torch's own writer lays it out, to the byte; its identity is of our making."""
    pieces: list[bytes] = []
    entries: list[bytes] = []
    at = 0
    checks = [crc32(data) for _, data in records]
    identity = b"%040d" % crc32(struct.pack(f"<{len(checks)}I", *checks))
    records = [*records, (b".data/serialization_id", identity)]
    for (record, data), check in zip(records, [*checks, crc32(identity)], strict=True):
        name, size = b"archive/" + record, len(data)
        begin = at + LOCAL.size + len(name) + 4
        padding = -begin % ALIGNMENT
        flags = FLAGS if data else FLAGS & ~SIZES_BEHIND
        behind = BEHIND.pack(0x08074B50, check, size, size) if data else b""
        pieces += (
            LOCAL.pack(0x04034B50, 0, flags, 0, 0, 0, 0, 0, 0, len(name), padding + 4),
            name, b"FB", padding.to_bytes(2, "little"), b"Z" * padding, data,
            behind,
        )  # fmt: skip
        head = (0x02014B50, 0, 0, flags, 0, 0, 0, check, size, size, len(name), 0, 0, 0, 0, 0, at)
        entries += (CENTRAL.pack(*head), name)
        at = begin + padding + size + len(behind)
    directory, number = b"".join(entries), len(entries) // 2
    ends = (0x06064B50, 44, 0x031E, 45, 0, 0, number, number, len(directory), at)
    locator = (0x07064B50, 0, at + len(directory), 1)
    last = (0x06054B50, 0, 0, number, number, len(directory), at, 0)
    return b"".join((*pieces, directory, ENDS.pack(*ends, *locator, *last)))


class ArchivePieces:
    """An archive that is made as it is written; all sizes are in 64 bits, whatever they are.

    Args:
        records: all but those that torch has behind them.
    """

    def __init__(self, records: Sequence[InPieces]) -> None:
        self.records = records

    def __iter__(self) -> Iterator[bytes]:
        entries: list[bytes] = []
        checks: list[int] = []
        at = 0
        for record, size, pieces in self._all(checks):
            name, check = b"archive/" + record, 0
            begin = at + LOCAL.size + len(name) + SIZES.size + 4
            padding = -begin % ALIGNMENT
            extra = SIZES.size + 4 + padding
            yield LOCAL.pack(0x04034B50, 45, FLAGS, 0, 0, 0, 0, LONG, LONG, len(name), extra)
            yield name + SIZES.pack(1, 16, size, size)
            yield b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
            for piece in pieces():
                check = crc32(piece, check)
                yield piece
            yield BEHIND_LONG.pack(0x08074B50, check, size, size)
            checks.append(check)
            head = (0x02014B50, 45, 45, FLAGS, 0, 0, 0, check, LONG, LONG, len(name))
            entries += (CENTRAL.pack(*head, PLACE.size, 0, 0, 0, 0, LONG), name)
            entries.append(PLACE.pack(1, 24, size, size, at))
            at = begin + padding + size + BEHIND_LONG.size
        directory, number = b"".join(entries), len(checks)
        ends = (0x06064B50, 44, 0x031E, 45, 0, 0, number, number, len(directory), at)
        locator = (0x07064B50, 0, at + len(directory), 1)
        last = (0x06054B50, 0, 0, 0xFFFF, 0xFFFF, LONG, LONG, 0)
        yield directory + ENDS.pack(*ends, *locator, *last)

    def _all(self, checks: Sequence[int]) -> Iterator[InPieces]:
        yield from self.records
        yield b"version", 2, partial(iter, [b"3\n"])
        identity = b"%040d" % crc32(struct.pack(f"<{len(checks)}I", *checks))
        yield b".data/serialization_id", len(identity), partial(iter, [identity])
