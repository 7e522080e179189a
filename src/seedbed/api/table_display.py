"""A table of runs as `print` and a notebook show it: its first rows, and how many there are."""

from seedbed.api.html import MOST_ROWS, html_lines, html_table
from seedbed.catalog.table import RecordTable
from seedbed.config.hints import counted
from seedbed.views.run_text import text_columns
from seedbed.views.text_table import Column, lines


def table_text(table: RecordTable) -> str:
    """As `print` shows it."""
    head = f"RunTable of {counted(len(table), 'run')}"
    return "\n".join([head, *lines(_first(table)), *_rest(table)]) if len(table) else head


def table_html(table: RecordTable) -> str:
    """As a notebook shows it."""
    return html_table(_first(table)) + html_lines(_rest(table))


def _first(table: RecordTable) -> list[Column]:
    return text_columns(table[:MOST_ROWS], table.columns, "")


def _rest(table: RecordTable) -> list[str]:
    more, others = len(table) - MOST_ROWS, len(table.left_out)
    remarks = [f"and {more} more"] if more > 0 else []
    unread = f"{counted(others, 'folder')} without a run that can be read"
    return [*remarks, *([unread] if others else [])]
