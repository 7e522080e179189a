"""A CSV again, byte for byte as it is, with further cells at the end of each record."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise

from seedbed.config.hints import counted
from seedbed.errors import DataError
from seedbed.tables.csv_blocks import BLOCK_BYTES, Block, blocks
from seedbed.tables.csv_records import Records
from seedbed.tables.text_content import TextContent


class CarriedCsv:
    """The content of a CSV that is written again.

    Args:
        content: of the file.
        delimiter: of its cells.
    """

    def __init__(self, content: TextContent, delimiter: str) -> None:
        self._content, self._delimiter = content, delimiter

    def with_columns(self, columns: Mapping[str, Sequence[str]]) -> bytes:
        """The file with further columns.

        Args:
            columns: by name, a cell for each row.

        Raises:
            DataError: if the new cells cannot be written in the file's encoding, or the old ones
                not as they were.
        """
        text = self._content.exact_text()
        spans = Records(text, self._delimiter).spans
        rows = [[*columns], *zip(*columns.values(), strict=True)]
        if len(rows) != len(spans):
            raise self._other_rows(len(rows) - 1, len(spans) - 1)
        pieces, start = [], 0
        for (_, end), cells in zip(spans, rows, strict=True):
            pieces += [text[start:end], *(self._delimiter + self._cell(cell) for cell in cells)]
            start = end
        return self._content.written("".join([*pieces, text[start:]]))

    def with_blocks(
        self, names: Sequence[str], rows: Iterable[Sequence[Sequence[str]]]
    ) -> Iterator[bytes]:
        """As `with_columns`, of a file in UTF-8 and a piece at a time.

        Args:
            names: of the columns.
            rows: so many at a time, by column.

        Raises:
            DataError: as `with_columns`.
        """
        header = [[name] for name in names]
        cells = chain.from_iterable(map(self._added, chain([header], rows)))
        yield self._content.mark
        written = 0
        for block in blocks(self._content.pieces(BLOCK_BYTES), self._delimiter):
            added = list(islice(cells, len(block.ends)))
            written += len(added)
            if len(added) < len(block.ends):
                records = Records(self._content.exact_text(), self._delimiter)
                raise self._other_rows(written - 1, len(records.spans) - 1)
            yield _with_cells(block, added)
        if more := sum(1 for _ in cells):
            raise self._other_rows(written + more - 1, written - 1)

    def _added(self, columns: Sequence[Sequence[str]]) -> Sequence[bytes]:
        """What stands at the end of each row, by the columns of some rows."""
        quoted = [self._quoted(cells) for cells in columns]
        rows = [self._delimiter + self._delimiter.join(row) for row in zip(*quoted, strict=True)]
        text = "\n".join(rows)
        if text.count("\n") == len(rows) - 1:
            return text.encode(errors="surrogateescape").split(b"\n")
        return [row.encode(errors="surrogateescape") for row in rows]

    def _quoted(self, cells: Sequence[str]) -> Sequence[str]:
        return [*map(self._cell, cells)] if self._has_mark("".join(cells)) else cells

    def _has_mark(self, text: str) -> bool:
        return any(mark in text for mark in (self._delimiter, '"', "\r", "\n"))

    def _cell(self, text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if self._has_mark(text) else text

    def _other_rows(self, read: int, written: int) -> DataError:
        return DataError(
            f"{self._content.key}: '{self._content.path}' was read as {counted(read, 'row')} and "
            f"is written as {written}"
        )


def _with_cells(block: Block, cells: Sequence[bytes]) -> bytes:
    """A block with further bytes at the end of each record.

    Args:
        block: of any records.
        cells: the bytes for each.
    """
    starts = [0, *block.ends]
    parts: list[bytes] = [b""] * (2 * len(cells) + 1)
    parts[0:-1:2] = [block.content[start:end] for start, end in pairwise(starts)]
    parts[1::2] = cells
    parts[-1] = block.content[starts[-1] :]
    return b"".join(parts)
