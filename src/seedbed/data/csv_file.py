"""A text file with a header line, read by Arrow: every cell as text, as it is written.

Types are decided by `column_types.py`, not by Arrow, which would look at each file for itself.
"""

import codecs
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from seedbed.data.csv_records import Records, all_closed
from seedbed.data.file_checks import refuse_larger_than_memory
from seedbed.data.saved_index import saved_index
from seedbed.errors import DataError
from seedbed.runs.files import printable

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""The longer first: UTF-32's begins with UTF-16's."""

COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}

NO_TEXT = (
    *("punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined"),
    *("unicode_escape", "raw_unicode_escape"),
)
"""Python's own ways to write some text in other text; no file is written so."""

PIECE_BYTES = 2**24
"""Of a packed file, unpacked at once."""


class CsvFile:
    """A CSV or TSV, opened: a `TableFile`.

    Args:
        path: of the file; one ending in .gz, .bz2, .zst or .lz4 is unpacked.
        key: the config key or argument that names it.
        delimiter: None for a tab in *.tsv and a comma elsewhere.
        encoding: of the text; a byte order mark says it for itself.

    Raises:
        DataError: if it is empty, or not in that encoding, or its header cannot be read.
    """

    typed = False

    def __init__(self, path: Path, key: str, delimiter: str | None, encoding: str) -> None:
        self.path, self.key, self.origin = path, key, path.name
        self.delimiter = _delimiter(path, delimiter)
        raw = _content(path, key)
        self.mark = next((one for one in BYTE_ORDER_MARKS if raw.startswith(one)), b"")
        self.encoding = BYTE_ORDER_MARKS.get(self.mark) or _without_mark(encoding)
        self._utf8 = self._in_utf8(raw[len(self.mark) :], told=encoding)
        self.quoted = self._utf8.count(b'"')
        self.names = self._header()
        self.index = saved_index(self.names)
        self._refuse_open_quote()
        self._refuse_other_delimiter()

    @cached_property
    def records(self) -> Records:
        """Where each record begins and ends in the text."""
        return Records(self._utf8.decode(errors="replace"), self.delimiter)

    def cells(self, names: Sequence[str]) -> Mapping[str, Any]:
        """The named columns, as text.

        Raises:
            DataError: if a line has too many or too few cells, or a cell is not in the encoding.
        """
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(self._utf8),
                parse_options=self._parsing(),
                convert_options=pa.csv.ConvertOptions(
                    include_columns=list(names),
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as err:
            raise self._problem(str(err)) from err
        return {name: table.column(name) for name in names}

    def place(self, row: int) -> str:
        """The row and the line of the file that it begins on, both from 1."""
        return f"row {row + 1} (line {self.records.line(row + 1)})"

    def with_columns(self, columns: Mapping[str, Sequence[str]]) -> bytes:
        """The file as it is, with further cells at the end of each record.

        Args:
            columns: by name, a cell for each row.

        Raises:
            DataError: if the new cells cannot be written in the file's encoding, or the old ones
                not as they were.
        """
        text = self._exact_text()
        spans = Records(text, self.delimiter).spans
        rows = [[*columns], *zip(*columns.values(), strict=True)]
        if len(rows) != len(spans):
            raise DataError(
                f"{self.key}: '{self.path}' was read as {len(rows) - 1} rows and is written as "
                f"{len(spans) - 1}"
            )
        pieces, place = [], 0
        for (_, end), cells in zip(spans, rows, strict=True):
            pieces += [text[place:end], *(self.delimiter + self._cell(cell) for cell in cells)]
            place = end
        try:
            return self.mark + "".join([*pieces, text[place:]]).encode(*self._exact)
        except UnicodeError as err:
            raise DataError(
                f"{self.key}: '{self.path}' is in {self.encoding}, which cannot hold all "
                "predictions; convert it to utf-8"
            ) from err

    @property
    def _exact(self) -> tuple[str, str]:
        """Encoding and treatment of errors; UTF-8 keeps bytes that are no text."""
        utf8 = codecs_name(self.encoding) == "utf-8"
        return ("utf-8", "surrogateescape") if utf8 else (self.encoding, "strict")

    def _exact_text(self) -> str:
        if codecs_name(self.encoding) == "utf-8":
            return self._utf8.decode(*self._exact)
        text = self._utf8.decode()
        if self.mark + text.encode(*self._exact) != _content(self.path, self.key):
            raise DataError(
                f"{self.key}: '{self.path}' cannot be written in {self.encoding} as it is; convert "
                "it to utf-8"
            )
        return text

    def _cell(self, text: str) -> str:
        if any(mark in text for mark in (self.delimiter, '"', "\r", "\n")):
            return '"' + text.replace('"', '""') + '"'
        return text

    def _in_utf8(self, raw: bytes, told: str) -> bytes:
        if codecs_name(self.encoding) == "utf-8":
            return raw
        try:
            if codecs_name(self.encoding) in NO_TEXT:
                raise LookupError(self.encoding)
            return raw.decode(self.encoding).encode()
        except UnicodeError as err:
            raise self._other_encoding() from err
        except (LookupError, ValueError) as err:
            shown = printable(told) if len(told) <= 40 else f"{printable(told[:40])}..."
            raise DataError(f"data.encoding: no encoding '{shown}'; utf-8 and latin-1 are") from err

    def _header(self) -> list[str]:
        first = Records.first(self._utf8, self.delimiter)
        if not first:
            raise DataError(f"{self.key}: '{self.path}' is empty")
        if b"\0" in first:
            raise DataError(
                f"{self.key}: the header of '{self.path}' holds zero bytes; type "
                "data.encoding=utf-16-le or utf-16-be if it is one of these"
            )
        try:
            first.decode()
            options = self._parsing()
            return list(
                pa.csv.read_csv(pa.BufferReader(first + b"\n"), parse_options=options).column_names
            )
        except UnicodeError as err:
            raise self._other_encoding() from err
        except pa.ArrowInvalid as err:
            raise self._problem(str(err)) from err

    def _parsing(self) -> Any:
        return pa.csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=self.quoted > 0)

    def _other_encoding(self) -> DataError:
        return DataError(
            f"{self.key}: '{self.path}' is not {self.encoding} text; type data.encoding=latin-1 "
            "if that is it"
        )

    def _problem(self, reason: str) -> DataError:
        if "UTF8" in reason:
            return self._other_encoding()
        ragged = self.records.ragged()
        if ragged is None:
            said = reason.splitlines()[0].removeprefix("CSV parse error: ")
            return DataError(f"{self.key}: '{self.path}': {said}")
        row, cells, header = ragged
        return DataError(
            f"{self.key}: line {self.records.line(row)} of '{self.path}' has {cells} cells, the "
            f"header {header}: {self.records.text(row)[:60]}"
        )

    def _refuse_open_quote(self) -> None:
        """Refuses a quote that is never closed: it would swallow the rest of the file."""
        if self.quoted and not all_closed(self._utf8, self.delimiter):
            line = self.records.line(len(self.records.spans) - 1)
            raise DataError(
                f"{self.key}: line {line} of '{self.path}' opens a quote that is never closed"
            )

    def _refuse_other_delimiter(self) -> None:
        """Refuses a table that became one column because its cells are separated otherwise."""
        if len(self.names) > 1:
            return
        other = next((mark for mark in ";|,\t" if mark in self.names[0]), None)
        if other is not None:
            raise DataError(
                f"{self.key}: '{self.path}' has one column, '{self.names[0]}'; if '{other}' "
                f"separates its cells, type 'data.delimiter=\"{other}\"'"
            )


def codecs_name(encoding: str) -> str:
    """The encoding's own name, or the given one where there is no such encoding."""
    try:
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        return encoding


def _without_mark(encoding: str) -> str:
    """An encoding that expects no byte order mark, as the file has none."""
    order = sys.byteorder[0]
    unmarked = {"utf-16": f"utf-16-{order}e", "utf-32": f"utf-32-{order}e", "utf-8-sig": "utf-8"}
    return unmarked.get(codecs_name(encoding), encoding)


def _delimiter(path: Path, delimiter: str | None) -> str:
    if delimiter is None:
        names = [ending.lower() for ending in path.suffixes]
        return "\t" if {".tsv", ".tab"} & {*names} else ","
    if len(delimiter.encode(errors="replace")) != 1 or delimiter in '"\r\n\0':
        raise DataError(
            f"data.delimiter must be one ASCII character, no quote and no line end, got "
            f"{delimiter!r}"
        )
    return delimiter


def _content(path: Path, key: str) -> bytes:
    """The bytes of the file, unpacked."""
    packed = COMPRESSED.get(path.suffix.lower())
    try:
        if packed is None:
            return path.read_bytes()
        with pa.input_stream(path, compression=packed) as file:
            return _unpacked(file, path, key)
    except (OSError, pa.ArrowException, EOFError) as err:
        raise DataError(f"{key}: cannot read '{path}': {str(err).splitlines()[0]}") from err


def _unpacked(file: Any, path: Path, key: str) -> bytes:
    """All that a packed file holds, as long as it is less than the memory."""
    pieces, size = [], 0
    while piece := file.read(PIECE_BYTES):
        pieces.append(bytes(piece))
        size += len(piece)
        refuse_larger_than_memory(size * 2, path, key)
    return b"".join(pieces)
