"""A stretch of a file, to be read as a file of its own: no more of it than is asked for."""

import io
import os
from typing import Any, BinaryIO


def read_at(file: int, place: tuple[int, int]) -> bytes:
    """What is at a place of an open file, as far as that goes.

    Args:
        file: its number.
        place: where it begins, and how many bytes.
    """
    if hasattr(os, "pread"):
        return os.pread(file, place[1], place[0])
    os.lseek(file, place[0], os.SEEK_SET)  # Windows
    return os.read(file, place[1])


class PartOfFile(io.RawIOBase):
    """Bytes of a file from a place on.

    Args:
        file: open; closed with the part.
        place: where the part begins, and how long it is.
    """

    def __init__(self, file: BinaryIO, place: tuple[int, int]) -> None:
        self._file = file
        self._begin, self._size = place
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of any file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """As of any file."""
        count = max(0, min(len(buffer), self._size - self._at))
        content = read_at(self._file.fileno(), (self._begin + self._at, count))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        """Closes the file."""
        if not self.closed:
            self._file.close()
        super().close()
