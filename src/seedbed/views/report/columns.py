"""The columns of the page's table: the run, what sets it apart, how it did, and what differs else.

Nothing that is the same in all runs is shown, but for the metrics.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.catalog.table import RecordTable
from seedbed.catalog.values import BEST, column_of, value_of
from seedbed.runs.files import printable
from seedbed.views.metric_curves import short_names
from seedbed.views.report.cells import cell
from seedbed.views.run_text import text_columns

ABOUT = ("status", "when", "seconds", "tags", "note")
"""Columns that are neither settings nor metrics."""

MOST_COLUMNS = 120
"""More cannot be read; a stranger's runs may have any number."""


@dataclass(frozen=True)
class PageColumn:
    """A column of the table.

    Args:
        name: that a filter takes.
        label: a shorter one, where no other key ends so.
        role: `name`, `key`, `metric` or `about`.
        values: of each run, as `cell` gives them.
        texts: what stands in the cells.
        hidden: whether it is the same in all runs, and only a filter may ask for it.
    """

    name: str
    label: str
    role: str
    values: Sequence[Any]
    texts: Sequence[str]
    hidden: bool = False

    def to_json(self) -> dict[str, Any]:
        """In plain containers; texts that are the values are left out."""
        plain = self.role == "name" or list(self.texts) == list(self.values)
        return {
            "name": self.name,
            "label": self.label,
            "role": self.role,
            "values": list(self.values),
            "texts": None if plain else list(self.texts),
            "hidden": self.hidden,
        }


def page_columns(table: RecordTable, metric: str, place: str) -> tuple[list[PageColumn], int]:
    """The columns, and how many are left out as there are too many.

    Args:
        table: the rows, in their order.
        metric: that runs are compared by, which stands first among the metrics; empty for none.
        place: the folder that names of runs leave out.
    """
    keys = [column_of(key) for key in table.differing_keys()]
    apart = [*keys, *_metrics(table, keys, metric)]
    left = max(0, len(apart) - MOST_COLUMNS)
    names = ["name", *apart[:MOST_COLUMNS], *ABOUT]
    roles = {"name": "name", **dict.fromkeys(ABOUT, "about"), **dict.fromkeys(keys, "key")}
    short = short_names(keys)
    texts = dict(zip(names, text_columns(table, names, place), strict=True))
    columns = [
        PageColumn(
            printable(name),
            printable(short.get(name, name)),
            role := roles.get(name, "metric"),
            texts[name][1] if role == "name" else [cell(value_of(run, name)) for run in table],
            texts[name][1],
            hidden=role == "about" and len(set(texts[name][1])) == 1,
        )
        for name in names
    ]
    return columns, left


def _metrics(table: RecordTable, keys: Sequence[str], metric: str) -> list[str]:
    """Those of the table, that which runs are compared by in front."""
    besides = {"name", *ABOUT, *keys}
    names = [name for name in table.columns if name not in besides]
    first = [metric] if metric and (metric in names or metric.startswith(BEST)) else []
    return list(dict.fromkeys([*first, *names]))
