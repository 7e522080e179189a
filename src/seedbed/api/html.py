"""Tables and lines as a notebook shows them."""

from collections.abc import Iterable, Sequence
from html import escape

from seedbed.views.text_table import Column

MOST_ROWS = 20
"""Of a table that a notebook or `print` shows."""


def html_table(columns: Sequence[Column]) -> str:
    """The titles above the cells."""
    head = "".join(f"<th>{escape(title)}</th>" for title, _ in columns)
    rows = zip(*(cells for _, cells in columns), strict=True)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in cells) for cells in rows]
    return "".join(["<table>", *(f"<tr>{line}</tr>" for line in (head, *lines)), "</table>"])


def html_lines(texts: Iterable[str]) -> str:
    """A paragraph each."""
    return "".join(f"<p>{escape(text)}</p>" for text in texts)
