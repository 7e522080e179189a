"""The text of a file: unpacked, decoded, and written again with the bytes that it had."""

import codecs
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from seedbed.config.ranges import is_text_encoding
from seedbed.errors import DataError
from seedbed.raised import first_line
from seedbed.runs.files import printable
from seedbed.tables.file_checks import refuse_larger_than_memory

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""The longer first: UTF-32's begins with UTF-16's."""

COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}

PIECE_BYTES = 2**24
"""Of a packed file, unpacked at once."""

LARGE = 2**24
"""Bytes; a larger file of UTF-8 that is not packed is read a piece at a time, and never held."""

BEGINNING = 2**20
"""Bytes of a large file, in which its header is."""


class TextContent:
    """What a file of text holds.

    Args:
        path: of the file; one ending in .gz, .bz2, .zst or .lz4 is unpacked.
        key: the config key or argument that names it.
        encoding: of the text; a byte order mark says it for itself.

    Raises:
        DataError: if it cannot be read, or is not in that encoding.
    """

    def __init__(self, path: Path, key: str, encoding: str) -> None:
        self.path, self.key = path, key
        if not is_text_encoding(encoding):
            name = printable(encoding[:40]) + ("..." if len(encoding) > 40 else "")
            raise DataError(f"data.encoding: no encoding '{name}'; utf-8 and latin-1 are")
        large = path.suffix.lower() not in COMPRESSED and _size(path, key) >= LARGE
        raw = _content(path, key, BEGINNING if large else -1)
        self.mark = next((one for one in BYTE_ORDER_MARKS if raw.startswith(one)), b"")
        self.encoding = BYTE_ORDER_MARKS.get(self.mark) or _without_mark(encoding)
        self.is_utf8 = codecs.lookup(self.encoding).name == "utf-8"
        """Then it is not looked at whether all of it is in that encoding."""
        self.is_large = large and self.is_utf8
        """Then nothing but its beginning is held."""
        self.beginning = raw[len(self.mark) :]
        """In UTF-8, without a byte order mark; of a file that is not large all of it."""
        if not self.is_utf8:
            raw = _content(path, key) if large else raw
            try:
                self.beginning = raw[len(self.mark) :].decode(self.encoding).encode()
            except UnicodeError as err:
                raise self.other_encoding() from err

    @property
    def utf8(self) -> bytes:
        """All of the text in UTF-8, without a byte order mark; a large file is read for it."""
        if not self.is_large:
            return self.beginning
        return _content(self.path, self.key)[len(self.mark) :]

    def opened(self) -> BinaryIO:
        """A large file, behind its byte order mark.

        Raises:
            OSError: if it cannot be opened.
        """
        file = self.path.open("rb")
        file.seek(len(self.mark))
        return file

    def pieces(self, size: int) -> Iterator[bytes]:
        """The text in UTF-8, so many bytes at a time of a large file.

        Raises:
            DataError: if it cannot be read.
        """
        if not self.is_large:
            yield self.beginning
            return
        try:
            with self.opened() as file:
                while piece := file.read(size):
                    yield piece
        except OSError as err:
            raise _unreadable(self.path, self.key, err) from err

    def exact_text(self) -> str:
        """The text, from which `written` makes the bytes of the file.

        Raises:
            DataError: if the encoding has several ways to write it, and the file another.
        """
        if self.is_utf8:
            return self.utf8.decode(errors="surrogateescape")
        text = self.utf8.decode()
        if self.mark + text.encode(self.encoding) != _content(self.path, self.key):
            raise DataError(
                f"{self.key}: '{self.path}' cannot be written in {self.encoding} as it is; convert "
                "it to utf-8"
            )
        return text

    def written(self, text: str) -> bytes:
        """A text as bytes of this file.

        Raises:
            DataError: if the encoding cannot hold it.
        """
        errors = "surrogateescape" if self.is_utf8 else "strict"
        try:
            return self.mark + text.encode(self.encoding, errors)
        except UnicodeError as err:
            raise DataError(
                f"{self.key}: '{self.path}' is in {self.encoding}, which cannot hold all "
                "predictions; convert it to utf-8"
            ) from err

    def other_encoding(self) -> DataError:
        """The error of a file that is not in its encoding."""
        hint = "type data.encoding=latin-1 if that is it"
        if self.mark:
            hint = "its byte order mark says that it is; write it anew"
        elif self.key == "--file":
            hint = "convert it to that, or train with data.encoding=latin-1 if that is it"
        return DataError(f"{self.key}: '{self.path}' is not {self.encoding} text; {hint}")


def _without_mark(encoding: str) -> str:
    """An encoding that expects no byte order mark, as the file has none."""
    order = sys.byteorder[0]
    unmarked = {"utf-16": f"utf-16-{order}e", "utf-32": f"utf-32-{order}e", "utf-8-sig": "utf-8"}
    return unmarked.get(codecs.lookup(encoding).name, encoding)


def _size(path: Path, key: str) -> int:
    try:
        return path.stat().st_size
    except OSError as err:
        raise _unreadable(path, key, err) from err


def _content(path: Path, key: str, size: int = -1) -> bytes:
    """The bytes of the file, unpacked; of one that is not packed, so many of the first."""
    packed = COMPRESSED.get(path.suffix.lower())
    try:
        if packed is None:
            with path.open("rb") as plain:
                return plain.read(size)
        with pa.input_stream(path, compression=packed) as file:
            return _unpacked(file, path, key)
    except (OSError, pa.ArrowException, EOFError) as err:
        raise _unreadable(path, key, err) from err


def _unreadable(path: Path, key: str, err: Exception) -> DataError:
    return DataError(f"{key}: cannot read '{path}': {first_line(err)}")


def _unpacked(file: Any, path: Path, key: str) -> bytes:
    """All that a packed file holds, as long as it is less than the memory."""
    pieces, size = [], 0
    while piece := file.read(PIECE_BYTES):
        pieces.append(bytes(piece))
        size += len(piece)
        refuse_larger_than_memory(size * 2, path, key)
    return b"".join(pieces)
