"""How an evaluation looks on the terminal."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from seedbed.analysis.sentences import number_text
from seedbed.api.evaluations import Evaluation
from seedbed.cli.setting_columns import LONGEST_SETTING, interval_text
from seedbed.runs.files import printable
from seedbed.views.text_table import NOTHING, Column, cut, lines

Row = Mapping[str, Any]


def evaluation_text(found: Evaluation, file: str) -> str:
    """The metrics below one another; of groups each in a line.

    Args:
        found: the numbers.
        file: its name.
    """
    rows, metrics = found.rows, list(found.metrics)
    noun = "row" if found.n == 1 else "rows"
    if found.by is None:
        title = f"{found.n} {noun} of {printable(file)}:"
        columns: list[Column] = [
            ("metric", list(map(printable, metrics))),
            ("value", [_number(rows[0][name]) for name in metrics]),
            ("95 % interval", [_interval(rows[0], name) for name in metrics]),
        ]
    else:
        title = f"{found.n} {noun} of {printable(file)} by {printable(found.by)}:"
        columns = [
            (printable(found.by), [_name(row["group"]) for row in rows]),
            ("n", [str(row["n"]) for row in rows]),
            *((printable(name), [_cell(row, name) for row in rows]) for name in metrics),
        ]
    return "\n".join([title, *lines(columns)])


def markdown_columns(rows: Sequence[Row]) -> list[Column]:
    """The titles and cells of a table of Markdown."""
    return [(name, [_text(row[name]) for row in rows]) for name in rows[0]]


def _text(cell: str | float | None) -> str:
    return printable(cell) if isinstance(cell, str) else _number(cell)


def _name(group: str) -> str:
    return cut(" ".join(printable(group).split()), LONGEST_SETTING)


def _number(value: float | None) -> str:
    return NOTHING if value is None or isnan(value) else f"{value:.5g}"


def _interval(row: Row, name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return interval_text(None if low is None else (low, high))


def _cell(row: Row, name: str) -> str:
    """The value, and its interval in brackets."""
    value, interval = row[name], _interval(row, name)
    if isnan(value):
        return NOTHING
    return number_text(value) + ("" if interval == NOTHING else f" ({interval})")
