"""All that a page holds, in plain containers: the one block of JSON that its script reads."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from seedbed.analysis.importance import Importance
from seedbed.analysis.verdict import Verdict
from seedbed.catalog.record import RunRecord
from seedbed.catalog.table import RecordTable
from seedbed.config.hints import counted
from seedbed.runs.environment import installed_version
from seedbed.runs.files import printable
from seedbed.runs.status import Status
from seedbed.views.report.axes import page_axes
from seedbed.views.report.cells import cell
from seedbed.views.report.columns import page_columns
from seedbed.views.report.configs import shared_config
from seedbed.views.report.curves import page_curves
from seedbed.views.report.made_with import environments, made_with, starts
from seedbed.views.run_text import place_of
from seedbed.views.shares_drawn import bars_of_importance

METRIC_AXES = 3
"""Metrics that have an axis of the parallel coordinates."""

MOST_PROBLEMS = 5
"""Reasons that are told."""


Order = Literal["run", "setting", "found"]


@dataclass(frozen=True)
class Told:
    """What a comparison of the runs says.

    Args:
        metric: that they are compared by; empty for none.
        higher: whether higher is better; None where that is not known.
        over: keys that repeat a setting.
        keys: that tell settings apart.
        settings: a row for each setting over its seeds; empty for runs side by side.
        importance: what mattered, if that is told.
        sentences: the verdict, and what mattered, in words.
        notes: what must be known to read them.
        verdict: on the best of them; None where there is none.
        reason: why there is none; empty if there is.
        ranked: how many runs stand in the table by their own value, the best first.
        order: of the table: by the runs' values, by their settings, or as they were found.
    """

    metric: str = ""
    higher: bool | None = None
    over: Sequence[str] = ()
    keys: Sequence[str] = ()
    settings: Sequence[Mapping[str, Any]] = ()
    importance: Importance | None = None
    sentences: Sequence[str] = ()
    notes: Sequence[str] = ()
    verdict: Verdict | None = None
    reason: str = ""
    ranked: int = 0
    order: Order = "found"


@dataclass(frozen=True)
class Origin:
    """Where the page comes from.

    Args:
        title: of it.
        command: that makes it again; empty where a program made it.
        moment: when it was made.
    """

    title: str
    command: str = ""
    moment: datetime = field(default_factory=datetime.now)


def content(table: RecordTable, told: Told, origin: Origin) -> dict[str, Any]:
    """What the page holds.

    Args:
        table: the runs, in the order of the rows; one at least.
        told: of them.
        origin: of the page.
    """
    place = place_of(table)
    columns, left = page_columns(table, told.metric, place)
    metrics = [one.name for one in columns if one.role == "metric"]
    axes, keys_left = page_axes(table, metrics[:METRIC_AXES])
    found = environments(table.records)
    here = f"{Path.cwd().resolve()}/"
    notes = [*told.notes, *_problems(table), *_more(left, keys_left)]
    return {
        "title": printable(origin.title),
        "made": origin.moment.astimezone().strftime("%Y-%m-%d %H:%M"),
        "version": installed_version("seedbed") or "",
        "command": printable(origin.command),
        "place": printable(place),
        "summary": summary(table),
        "told": _told(told),
        "notes": list(map(printable, notes)),
        "columns": [one.to_json() for one in columns],
        "runs": [_run(run, here) for run in table],
        "axes": [one.to_json() for one in axes],
        "curves": page_curves(table.records).to_json(),
        "config": shared_config(table.records, table.differing_keys()),
        "environment": made_with(found),
        "starts": starts(found),
        "left_out": [
            {"path": printable(str(one.path)), "why": printable(f"{one.status}: {one.problem}")}
            for one in table.left_out
        ],
    }


def summary(table: RecordTable) -> str:
    """`1,000 runs of 1 sweep: 998 completed, 2 failed; started 2026-11-26 10:02 to 10:05`."""
    counts = Counter(str(run.status) for run in table)
    sweeps = {run.sweep for run in table if run.sweep}
    of = f" of {counted(len(sweeps), 'sweep')}" if sweeps else ""
    order = sorted(counts, key=lambda one: (one != Status.COMPLETED, one))
    statuses = ", ".join(f"{counts[one]} {one}" for one in order)
    return f"{counted(len(table), 'run')}{of}: {statuses}{_when(table)}"


def _when(table: RecordTable) -> str:
    began = [run.started.astimezone() for run in table if run.started]
    if not began:
        return ""
    first, last = min(began), max(began)
    texts = [one.strftime("%Y-%m-%d %H:%M") for one in (first, last)]
    return f"; started {texts[0]}" + (f" to {texts[1]}" if texts[0] != texts[1] else "")


def _problems(table: RecordTable) -> list[str]:
    """Why runs did not complete, the most frequent reasons first."""
    counts = Counter(f"{run.status}: {run.problem}" for run in table if run.problem)
    told = [f"{problem} ({counted(n, 'run')})" for problem, n in counts.most_common(MOST_PROBLEMS)]
    more = [f"{len(counts) - MOST_PROBLEMS} other reasons"] if len(counts) > MOST_PROBLEMS else []
    return [f"not completed: {'; '.join([*told, *more])}"] if told else []


def _more(columns: int, keys: Sequence[str]) -> list[str]:
    told = [f"{counted(columns, 'column')} more than fit into the table"] if columns else []
    if keys:
        told.append(f"no axis of the parallel coordinates, as there are too many: {len(keys)} keys")
    return told


def _told(told: Told) -> dict[str, Any]:
    bars = None if told.importance is None else bars_of_importance(told.importance, told.over)
    return {
        "metric": printable(told.metric),
        "higher": told.higher,
        "over": list(map(printable, told.over)),
        "keys": list(map(printable, told.keys)),
        "settings": [
            {printable(name): cell(value) for name, value in row.items()} for row in told.settings
        ],
        "importance": None if bars is None else {**asdict(bars), "names": _all(bars.names)},
        "sentences": _all(told.sentences),
        "verdict": None if told.verdict is None else told.verdict.words,
        "better": told.verdict is not None and told.verdict.is_better,
        "reason": printable(told.reason),
        "ranked": told.ranked,
        "order": told.order,
    }


def _all(texts: Sequence[str]) -> list[str]:
    return list(map(printable, texts))


def _run(run: RunRecord, here: str) -> dict[str, Any]:
    """What stands behind a row: where the run is, from `here` on, and what a reader said of it."""
    return {
        "path": printable(str(run.path).removeprefix(here)),
        "status": printable(str(run.status)),
        "problem": printable(run.problem),
        "tags": _all(run.tags),
        "note": printable(run.note),
    }
