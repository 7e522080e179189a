"""Headers of a tar archive: the few kinds that a pack has, written quickly and read strictly.

Source: POSIX.1-1988 ustar, as in `tar(5)` and Python's `tarfile`, which the tests read packs with.
"""

import time
from dataclasses import dataclass
from typing import Literal

from seedbed.errors import RunDirectoryError

BLOCK = 512
"""Bytes; every member begins at a multiple."""

END = bytes(2 * BLOCK)
"""What ends an archive."""

LONGEST_FOLDER, LONGEST_NAME = 155, 100
"""Bytes that a header has for a folder, and for what is below it."""

LARGEST = 8**11 - 1
"""Bytes of a file: a header has eleven octal digits for them."""

Kind = Literal[b"0", b"1"]
FILE: Kind = b"0"
LINK: Kind = b"1"
"""Another name of an earlier member."""

MAGIC = b"ustar\x0000"


@dataclass(frozen=True, slots=True)
class Member:
    """What a header tells.

    Args:
        folder: that the file is in.
        name: of it, below the folder.
        size: of its content, which comes next.
        target: the earlier member that it is another name of; empty for a file.
    """

    folder: str
    name: str
    size: int
    target: str = ""


class Headers:
    """Makes headers; all have the time at which this was made."""

    def __init__(self) -> None:
        self._middle = b"0000644\0" + b"0000000\0" * 2
        self._time = b"%011o\0" % int(time.time())

    def of(self, folder: str, name: str, size: int, target: str = "") -> bytes:
        """A header, which tells what a `Member` does.

        Raises:
            RunDirectoryError: if a name or the content is longer than a header can tell.
        """
        above, below, other = folder.encode(), name.encode(), target.encode()
        if (
            max(len(above) - LONGEST_FOLDER, len(below) - LONGEST_NAME, len(other) - LONGEST_NAME)
            > 0
        ):
            raise RunDirectoryError(f"the name '{folder}/{name}' is too long for a pack")
        if size > LARGEST:
            raise RunDirectoryError(f"'{folder}/{name}' is too large for a pack: {size} bytes")
        front = below.ljust(100, b"\0") + self._middle + b"%011o\0" % size + self._time
        kind = LINK if target else FILE
        back = (
            kind + other.ljust(100, b"\0") + MAGIC + bytes(80) + above.ljust(155, b"\0") + bytes(12)
        )
        total = sum(front) + sum(back) + 8 * 32  # the checksum counts as spaces
        return b"".join((front, b"%06o\0 " % total, back))


def padding(size: int) -> bytes:
    """What fills the last block of a content."""
    return bytes(-size % BLOCK)


def parsed(block: bytes) -> Member:
    """A header that was read.

    Raises:
        ValueError: if it is damaged, or of a kind that no pack has: a link by name, a device, a
            folder, a sparse file, another form of tar.
    """
    if int(block[148:154], 8) != sum(block) - sum(block[148:156]) + 8 * 32:
        raise ValueError("a checksum is wrong")
    kind, magic = block[156:157], block[257:265]
    if kind not in (FILE, LINK) or magic != MAGIC:
        raise ValueError(f"a member is of the kind {kind!r}, {magic!r}")
    size = int(block[124:135], 8)
    if size < 0 or (kind == LINK and size):
        raise ValueError(f"a member has the size {size}")
    name, target, folder = block[:100], block[157:257], block[345:500]
    name, target, folder = (one.rstrip(b"\0") for one in (name, target, folder))
    if bool(target) != (kind == LINK) or b"\0" in name + target + folder:
        raise ValueError("a member's name is damaged")
    whole = b"/".join(filter(None, (folder, name)))  # others' tar splits only what is long
    folder, _, name = whole.partition(b"/")
    return Member(folder.decode(), name.decode(), size, target.decode())
