"""Runs as rows of plain values for machines: JSON, CSV and Markdown."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from seedbed.catalog.table import RecordTable
from seedbed.catalog.values import BEST, column_of, value_of
from seedbed.runs.files import printable
from seedbed.views.text_table import Column

ALWAYS = ("name", "path", "sweep", "when", "status", "epoch", "epochs")
BESIDES = ("seconds", "tags", "note", "problem")

EXECUTED = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet takes for a formula. Source: OWASP, CSV injection."""

MARKDOWN = re.compile(r"([\\`*\[\]|~])")
"""What Markdown obeys inside a cell."""


def machine_columns(table: RecordTable) -> list[str]:
    """All that tells the runs apart and how they did, under the names that a filter takes."""
    best = dict.fromkeys(f"{BEST}{name}" for run in table for name in run.best)
    return [*ALWAYS, *map(column_of, table.differing_keys()), *table.metrics, *best, *BESIDES]


def rows_of(table: RecordTable, columns: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each run: plain values by column; None where a run has none."""
    return [{name: plain(value_of(run, name)) for name in columns} for run in table]


def plain(value: Any) -> Any:
    """The value as JSON has it, but for NaN."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [printable(one) for one in value]
    return printable(value) if isinstance(value, str) else value


def left_out_rows(table: RecordTable) -> list[dict[str, str]]:
    """The folders that are no readable runs, and why."""
    return [
        {
            "name": printable(run.name),
            "path": printable(str(run.path)),
            "status": str(run.status),
            "problem": printable(run.problem),
        }
        for run in table.left_out
    ]


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """A line for each row; numbers as they are, and no text that a spreadsheet would execute."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_csv_cell, columns))
    writer.writerows([_csv_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def markdown_text(columns: Sequence[Column]) -> str:
    """A table of Markdown; its cells show what the texts say, whatever they hold."""
    titles = [title for title, _ in columns]
    rows = zip(*(cells for _, cells in columns), strict=True)
    lines = [_markdown_line(titles), f"|{' --- |' * len(titles)}", *map(_markdown_line, rows)]
    return "\n".join(lines) + "\n"


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = printable(text)
    return f"'{text}" if EXECUTED.match(text) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and text == text.strip()
    except ValueError:
        return False


def _markdown_line(cells: Sequence[str]) -> str:
    return "".join(f"| {_markdown_cell(cell)} " for cell in cells) + "|"


def _markdown_cell(text: str) -> str:
    harmless = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MARKDOWN.sub(r"\\\1", " ".join(harmless.split()))
