"""Columns that tables of settings have in common, and as many of them as there is room for."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from seedbed.analysis.intervals import Interval
from seedbed.analysis.sentences import number_text, value_text
from seedbed.catalog.values import distinct_texts
from seedbed.config.hints import joined
from seedbed.runs.files import printable
from seedbed.views.text_table import (
    NOTHING,
    SHORTEST_NAME,
    Column,
    cut,
    lines,
    short_name,
    width_of,
)
from seedbed.views.text_table import fitted as in_width

RUN = "run"
"""The title of the names of runs."""

WIDTH = 100
"""Columns of text where there is no terminal."""

LONGEST_SETTING = 24
"""Characters of one value."""

MOST_TITLES = 8
"""Columns that are left out, by name."""


def width() -> int:
    """Columns of text that a table may take."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH


def fitted(
    labels: Sequence[Mapping[str, Any]],
    front: Sequence[Column],
    behind: Sequence[Column],
    others: Sequence[Column] = (),
    *,
    needed: int | None = None,
) -> list[str]:
    """A table with the columns that there is room for, and a line on the others.

    Args:
        labels: the values of the keys, of each row.
        front: columns before the keys; the name of a run is cut where nothing else helps.
        behind: columns after the keys; one key at least stands between, whatever the width.
        others: more columns, the first of them first.
        needed: of those behind, which are there in any case; None for all.
    """
    keys = [_key_column(key, labels) for key in (labels[0] if labels else ())]
    columns, left = in_width(front, keys, behind, others, width(), least=1, needed=needed)
    columns = [_cut_names(one, columns) for one in columns]
    more = f"no room for {joined(left, MOST_TITLES)}; --json has all"
    return [*lines(columns), *([more] if left else [])]


def _cut_names(column: Column, columns: Sequence[Column]) -> Column:
    """The names of runs, with as much of them as there is room for."""
    title, names = column
    over = width_of(columns) - width()
    if title != RUN or over <= 0:
        return column
    longest = width_of([column]) - over
    return title, [short_name(name, max(longest, SHORTEST_NAME)) for name in names]


def ranks(number_of: int) -> Column:
    """From 1 on."""
    return "rank", [str(rank) for rank in range(1, number_of + 1)]


def std_text(std: float | None) -> str:
    """Three digits of it."""
    return NOTHING if std is None else f"{std:.3g}"


def interval_text(interval: Interval | None) -> str:
    """Its ends."""
    return NOTHING if interval is None else " to ".join(map(number_text, interval))


def _key_column(key: str, labels: Sequence[Mapping[str, Any]]) -> Column:
    values = distinct_texts([label[key] for label in labels], value_text)
    texts = (" ".join(value.split()) for value in values)
    return printable(key), [cut(text, LONGEST_SETTING) for text in texts]
