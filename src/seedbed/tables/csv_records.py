r"""Where the records of a CSV begin and end, by the rules that Arrow reads it by.

A quote opens a quoted cell only where a cell begins; within, two quotes are one. Line ends are
`\n`, `\r\n` and `\r`. A line with nothing on it is no record.
"""

import re
from functools import cached_property

LINE_END = re.compile(r"\r\n|\r|\n")


def _quoted(delimiter: str) -> str:
    """A quoted cell; one that is never closed reaches to the end."""
    return rf'(?<![^{re.escape(delimiter)}\r\n])"(?:[^"]++|"")*+(?:"|\Z)'


def _record(delimiter: str) -> str:
    """A record, without its line end."""
    return rf'(?:[^"\r\n]++|{_quoted(delimiter)}|")++'


def record_pattern(delimiter: str) -> re.Pattern[bytes]:
    """Finds the records of a content in UTF-8, without their line ends."""
    return re.compile(_record(delimiter).encode())


def all_closed(content: bytes, delimiter: str) -> bool:
    """Whether every quoted cell of a content in UTF-8 is closed."""
    mark = re.escape(delimiter)
    pattern = rf'(?:[^"]++|(?<![^{mark}\r\n])"(?:[^"]++|"")*+"|(?<=[^{mark}\r\n])")*+'
    match = re.match(pattern.encode(), content)
    return match is not None and match.end() == len(content)


class Records:
    """The records of a text; number 0 is the header.

    Args:
        text: of the whole file, without a byte order mark.
        delimiter: one character.
    """

    def __init__(self, text: str, delimiter: str) -> None:
        self._text, self._delimiter = text, delimiter
        self.spans = [match.span() for match in re.finditer(_record(delimiter), text)]
        """Of each record, without its line end."""

    @staticmethod
    def first(content: bytes, delimiter: str) -> bytes:
        """The first record of a content in UTF-8; empty if there is none."""
        match = record_pattern(delimiter).search(content)
        return b"" if match is None else match[0]

    def text(self, record: int) -> str:
        """A record as it is written."""
        start, end = self.spans[record]
        return self._text[start:end]

    def line(self, record: int) -> int:
        """The line that a record begins on, from 1."""
        start = self.spans[record][0] if record < len(self.spans) else len(self._text)
        return len(LINE_END.findall(self._text, 0, start)) + 1

    def ragged(self) -> tuple[int, int, int] | None:
        """The first record with another number of cells than the header, both numbers; or None."""
        header = self._cells(0)
        for record in range(1, len(self.spans)):
            if (cells := self._cells(record)) != header:
                return record, cells, header
        return None

    def _cells(self, record: int) -> int:
        text = self.text(record)
        unquoted = self._quoted_cell.sub("", text) if '"' in text else text
        return unquoted.count(self._delimiter) + 1

    @cached_property
    def _quoted_cell(self) -> re.Pattern[str]:
        return re.compile(_quoted(self._delimiter))
