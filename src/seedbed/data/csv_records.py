r"""Where the records of a CSV begin and end, by the rules that Arrow reads it by.

A quote opens a quoted cell only where a cell begins; within, two quotes are one. Line ends are
`\n`, `\r\n` and `\r`. A line with nothing on it is no record.
"""

import re
from functools import cached_property

LINE_END = re.compile(r"\r\n|\r|\n")


def _token(delimiter: str) -> str:
    """A quoted cell, or the end of a line."""
    mark = re.escape(delimiter)
    return rf'(?<![^{mark}\r\n])"(?:[^"]|"")*+(?:"|\Z)|\r\n|\r|\n'


def all_closed(content: bytes, delimiter: str) -> bool:
    """Whether every quoted cell of a content in UTF-8 is closed."""
    mark = re.escape(delimiter).encode()
    closed = rb'(?:[^"]++|(?<![^%b\r\n])"(?:[^"]++|"")*+"|(?<=[^%b\r\n])")*+' % (mark, mark)
    found = re.compile(closed).match(content)
    return found is not None and found.end() == len(content)


class Records:
    """The records of a text; number 0 is the header.

    Args:
        text: of the whole file, without a byte order mark.
        delimiter: one character.
    """

    def __init__(self, text: str, delimiter: str) -> None:
        self._text, self._delimiter = text, delimiter
        self.spans: list[tuple[int, int]] = []
        """Of each record, without its line end."""
        self.open_quote: int | None = None
        """The record with a quote that is never closed."""
        start = 0
        for token in re.compile(_token(delimiter)).finditer(text):
            if token[0][0] in "\r\n":
                self._add(start, token.start())
                start = token.end()
            elif not _closed(token[0]):
                self.open_quote = len(self.spans)
        self._add(start, len(text))

    @staticmethod
    def first(content: bytes, delimiter: str) -> bytes:
        """The first record of a content in UTF-8; empty if there is none."""
        start = 0
        for token in re.finditer(_token(delimiter).encode(), content):
            if token[0][:1] in b"\r\n":
                if token.start() > start:
                    return content[start : token.start()]
                start = token.end()
        return content[start:]

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
        unquoted = self._quoted.sub("", text) if '"' in text else text
        return unquoted.count(self._delimiter) + 1

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        return re.compile(_token(self._delimiter))

    def _add(self, start: int, end: int) -> None:
        if end > start:
            self.spans.append((start, end))


def _closed(cell: str) -> bool:
    """Whether a quoted cell ends with a quote of its own."""
    return len(cell) > 1 and cell[1:].replace('""', "").endswith('"')
