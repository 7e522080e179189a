"""A text file with a header line, read by Arrow: every cell as text, as it is written.

Types are decided by `column_types.py`, not by Arrow, which would look at each file for itself.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from seedbed.config.hints import counted
from seedbed.errors import DataError
from seedbed.tables.csv_blocks import BLOCK_BYTES, blocks
from seedbed.tables.csv_carried import CarriedCsv
from seedbed.tables.csv_records import Records, all_closed
from seedbed.tables.growing_column import GrowingColumn
from seedbed.tables.table_file import TableFile, saved_index
from seedbed.tables.text_content import TextContent

BATCH_BYTES = 2**20
"""Of a large file, of which Arrow makes rows at once; in no file may a row be larger."""


class CsvFile(TableFile):
    """A CSV or TSV, opened.

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
        self._content = TextContent(path, key, encoding)
        self.quoted = sum(one.count(b'"') for one in self._content.pieces(BLOCK_BYTES))
        header = self._header()
        self.names = self._names_in(header)
        self.index = saved_index(self.names)
        self._refuse_open_quote(header)
        self._refuse_other_delimiter()

    @cached_property
    def records(self) -> Records:
        """Where each record begins and ends in the text."""
        return Records(self._content.utf8.decode(errors="replace"), self.delimiter)

    def cells(self, names: Sequence[str]) -> Mapping[str, Any]:
        """The named columns, as text.

        Raises:
            DataError: if a line has too many or too few cells, or a cell is not in the encoding.
        """
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(self._content.utf8),
                parse_options=self._parsing(),
                convert_options=_as_text(names),
            )
        except (pa.ArrowInvalid, pa.ArrowKeyError) as err:
            raise self._problem(str(err)) from err
        return {name: table.column(name) for name in names}

    def numbers_or_cells(self, names: Sequence[str], numbers: Collection[str]) -> Mapping[str, Any]:
        """As `cells`, with `TextNumbers` for columns of a large file that are nothing else."""
        if not self.is_large:
            return self.cells(names)
        columns = {name: GrowingColumn(may_be_numbers=name in numbers) for name in names}
        try:
            self._read_into(columns)
            again = [name for name, column in columns.items() if column.has_lost_text]
            columns |= {name: GrowingColumn(may_be_numbers=False) for name in again}
            self._read_into({name: columns[name] for name in again})
        except DataError:
            return self.cells(names)  # which tells what is wrong, and where
        cells = {name: columns[name].taken() for name in names}
        pa.default_memory_pool().release_unused()
        return cells

    def _read_into(self, columns: Mapping[str, GrowingColumn]) -> None:
        if columns:
            for batch in self.batches(list(columns)):
                for name, column in columns.items():
                    column.append(batch[name])

    @property
    def is_large(self) -> bool:
        """Whether nothing but its beginning is held."""
        return self._content.is_large

    def batches(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """The named columns, as text, so many rows of a large file at a time.

        Raises:
            DataError: if a line has too many or too few cells, or a cell is not UTF-8.
        """
        if not self.is_large:
            yield self.cells(names)
            return
        try:
            with self._content.opened() as file:
                batches = pa.csv.open_csv(
                    file,
                    read_options=pa.csv.ReadOptions(use_threads=False, block_size=BATCH_BYTES),
                    parse_options=self._parsing(),
                    convert_options=_as_text(names),
                )
                for batch in batches:
                    yield {name: batch.column(name) for name in names}
        except (pa.ArrowException, OSError) as err:
            raise DataError(f"{self.key}: '{self.path}' cannot be read by blocks: {err}") from err

    def location(self, row: int) -> str:
        """The row and the line of the file that it begins on, both from 1."""
        return f"row {row + 1} (line {self.records.line(row + 1)})"

    @property
    def carried(self) -> CarriedCsv:
        """The file as it is, to be written with further columns."""
        return CarriedCsv(self._content, self.delimiter)

    def _header(self) -> bytes:
        first = Records.first(self._content.beginning, self.delimiter)
        if self._content.is_large and self._content.beginning.endswith(first):
            first = Records.first(self._content.utf8, self.delimiter)
        if not first:
            raise DataError(f"{self.key}: '{self.path}' is empty")
        return first

    def _names_in(self, first: bytes) -> list[str]:
        if b"\0" in first:
            raise DataError(
                f"{self.key}: the header of '{self.path}' holds zero bytes; type "
                "data.encoding=utf-16-le or utf-16-be if it is one of these"
            )
        try:
            first.decode()
            alone = pa.BufferReader(b"\n" + first + b"\n")  # a mark in it is not the file's
            return list(pa.csv.read_csv(alone, parse_options=self._parsing()).column_names)
        except UnicodeError as err:
            raise self._content.other_encoding() from err
        except pa.ArrowInvalid as err:
            raise self._problem(str(err)) from err

    def _parsing(self) -> Any:
        return pa.csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=self.quoted > 0)

    def _problem(self, reason: str) -> DataError:
        if "UTF8" in reason:
            return self._content.other_encoding()
        ragged = self.records.ragged()
        if ragged is None:
            first = reason.splitlines()[0].removeprefix("CSV parse error: ")
            return DataError(f"{self.key}: '{self.path}': {first}")
        row, cells, header = ragged
        return DataError(
            f"{self.key}: line {self.records.line(row)} of '{self.path}' has "
            f"{counted(cells, 'cell')}, the header {header}: {self.records.text(row)[:60]}"
        )

    def _refuse_open_quote(self, header: bytes) -> None:
        """Refuses a quote that is never closed: it would swallow the rest of the file."""
        contents: Iterable[bytes] = [header]
        if self.quoted > header.count(b'"'):
            pieces = self._content.pieces(BLOCK_BYTES)
            large = self._content.is_large
            contents = (one.content for one in blocks(pieces, self.delimiter)) if large else pieces
        if not all(all_closed(content, self.delimiter) for content in contents):
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
            typed = f"type 'data.delimiter=\"{other}\"'"
            if self.key == "--file":
                typed = f"write it with '{self.delimiter}', as the run's training file is"
            raise DataError(
                f"{self.key}: '{self.path}' has one column, '{self.names[0]}'; if '{other}' "
                f"separates its cells, {typed}"
            )


def _as_text(names: Sequence[str]) -> Any:
    """These columns alone, every cell as it is written."""
    return pa.csv.ConvertOptions(
        include_columns=list(names),
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=False,
    )


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
