"""Columns that tables of settings have in common, and as many of them as there is room for."""

from collections.abc import Mapping, Sequence
from typing import Any

from seedbed.analysis.intervals import Interval
from seedbed.analysis.sentences import number_text, value_text
from seedbed.runs.files import printable
from seedbed.views.text_table import NOTHING, Column, cut, lines
from seedbed.views.text_table import fitted as in_width

WIDTH = 100
"""Columns of text; the names of runs are shown whole, so that they can be pasted."""

LONGEST_SETTING = 24
"""Characters of one value."""


def fitted(
    labels: Sequence[Mapping[str, Any]],
    front: Sequence[Column],
    behind: Sequence[Column],
    others: Sequence[Column] = (),
) -> list[str]:
    """A table with as many of the keys as there is room for, and then of other columns.

    Args:
        labels: the values of the keys, of each row.
        front: columns before the keys.
        behind: columns after the keys; one key at least stands between, whatever the width.
        others: more columns, the first of them first.
    """
    keys = [_key_column(key, labels) for key in (labels[0] if labels else ())]
    columns, left = in_width(front, keys, behind, others, WIDTH, least=1)
    more = f"{left} more keys differ" if left > 1 else "1 more key differs"
    return [*lines(columns), *([f"({more}; seedbed compare --json has all)"] if left else [])]


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
    texts = (" ".join(value_text(label[key]).split()) for label in labels)
    return printable(key), [cut(text, LONGEST_SETTING) for text in texts]
