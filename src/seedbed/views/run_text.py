"""The cells of a table of runs, as a person reads them."""

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from seedbed.catalog.record import RunRecord
from seedbed.catalog.table import RecordTable
from seedbed.catalog.values import CONFIG, distinct_texts
from seedbed.remote.places import shown
from seedbed.runs.files import printable
from seedbed.runs.status import Status
from seedbed.views.text_table import NOTHING, Column

BUCKET_PARTS = 3
"""Of `s3://NAME`, with slashes between."""


def place_of(table: Iterable[RunRecord]) -> str:
    """The folder that all the runs are in: `DIR/name` of a run is what a command takes."""
    folders = {os.path.dirname(path) for path in _paths(table)}  # noqa: PTH120 - of thousands
    if not folders or "" in folders:
        return ""
    if not any("://" in folder for folder in folders):
        return os.path.commonpath(folders)
    parts = zip(*(folder.split("/") for folder in folders), strict=False)
    common = [alike[0] for alike in takewhile(lambda one: len({*one}) == 1, parts)]
    return "/".join(common) if len(common) >= BUCKET_PARTS else ""


def _paths(table: Iterable[RunRecord]) -> list[str]:
    """The run directories, from here where they are below; those of URLs by these."""
    here = f"{Path.cwd().resolve()}/"
    paths = [os.path.split(str(run.path).removeprefix(here)) for run in table]
    names = {above: shown(Path(above)) if "remote" in above else above for above, _ in paths}
    return [f"{names[above]}/{run}" if names[above] else run for above, run in paths]


def text_columns(table: RecordTable, columns: Sequence[str], place: str) -> list[Column]:
    """The cells of a table, as a person reads them.

    Args:
        table: of runs.
        columns: names of values.
        place: what `place_of` gave, which the names of runs leave out.
    """
    writers: dict[str, Callable[[RunRecord], str]] = {
        "status": status_text,
        "seconds": lambda run: seconds_text(run.seconds),
    }
    lined_up = []
    for name in columns:
        if name == "name":
            cells = [path.removeprefix(f"{place}/") for path in _paths(table)]
        elif name in writers:
            cells = list(map(writers[name], table))
        else:
            cells = _cells(table, name)
        title = {"seconds": "time"}.get(name, name)
        lined_up.append((printable(title), [_one_line(cell) for cell in cells]))
    return lined_up


def _cells(table: RecordTable, name: str) -> list[str]:
    """Settings that differ have texts that differ; a number of another kind has five digits."""
    values = table.column(name)
    is_setting = any(name.removeprefix(CONFIG) in run.settings for run in table)
    return distinct_texts(values, cell_text) if is_setting else list(map(cell_text, values))


def status_text(run: RunRecord) -> str:
    """How a run stands; of one that has not come to its end, how far it is.

    Runs that train together write their histories at their end.
    """
    if run.status == Status.COMPLETED or not run.epochs:
        return str(run.status)
    return f"{run.status} {'?' if run.epoch is None else run.epoch}/{run.epochs}"


def seconds_text(seconds: float | None) -> str:
    """A time in the unit that it has three digits in."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    for unit, size in (("h", 3600.0), ("min", 60.0), ("s", 1.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def cell_text(value: Any) -> str:
    """A setting, a metric or a time; five digits of a number."""
    match value:
        case None | ():
            return NOTHING
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.5g}"
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M")
        case tuple():
            return " ".join(value)
        case str() | int():
            return str(value)
    return json.dumps(value, ensure_ascii=False)


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """What rows have by name, in the order in which the names come; empty where one has none."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [
        (name, ["" if row.get(name) is None else cell_text(row[name]) for row in rows])
        for name in names
    ]


def _one_line(text: str) -> str:
    if text.isprintable() and "  " not in text:  # nearly all
        return text
    return " ".join(printable(text).split())
