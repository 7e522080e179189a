"""How a comparison looks on the terminal."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seedbed.analysis.sentences import p_text
from seedbed.api.run_comparison import RunComparison
from seedbed.cli.setting_columns import RUN, fitted, interval_text, ranks, std_text
from seedbed.config.hints import counted
from seedbed.runs.files import printable
from seedbed.runs.status import Status
from seedbed.views.comparison import distinct_names
from seedbed.views.run_text import cell_text
from seedbed.views.text_table import NOTHING, Column

Row = Mapping[str, Any]


def comparison_text(compared: RunComparison, limit: int) -> str:
    """The table, the verdict, and what mattered.

    Args:
        compared: to be shown.
        limit: of the rows; 0 for all.
    """
    shown = compared.head(limit or len(compared))
    table = _settings_table if compared.over else _runs_table
    left = len(compared) - len(shown)
    more = [f"and {left} more; --limit 0 shows all"] if left else []
    parts = [_title(compared, len(compared)), *table(compared, shown), *more, *compared.sentences]
    return "\n".join(parts)


def _title(compared: RunComparison, number_of: int) -> str:
    noun = "setting" if compared.over else "run"
    over = f" over {', '.join(compared.over)}" if compared.over else ""
    direction = "higher" if compared.higher_is_better else "lower"
    ranked = compared.metric and compared.is_ranked
    by = f" by {printable(compared.metric)} ({direction} is better)" if ranked else ""
    same = "" if compared.keys or number_of < 2 else "; their configs do not differ"
    return f"{counted(number_of, noun)}{over}{by}{same}:"


def _settings_table(compared: RunComparison, rows: Sequence[Row]) -> list[str]:
    needed = [
        _column("n", rows, lambda row: str(row["n"])),
        _column("mean", rows, lambda row: cell_text(row["mean"])),
    ]
    if any(row["without_value"] for row in rows):
        needed.insert(1, _column("lost", rows, lambda row: str(row["without_value"])))
    numbers = [
        _column("± std", rows, lambda row: std_text(row["std"])),
        _column("95 % interval", rows, _interval),
    ]
    if len(compared) > 2:
        numbers.append(_column("p (Holm)", rows, _corrected))
    title, texts = ranks(len(rows))
    told = [NOTHING if row["mean"] is None else text for row, text in zip(rows, texts, strict=True)]
    front: list[Column] = [(title, told)]
    return fitted(_labels(compared, rows), front, [*needed, *numbers], needed=len(needed))


def _runs_table(compared: RunComparison, rows: Sequence[Row]) -> list[str]:
    shown = compared.records[: len(rows)]
    names = distinct_names([run.path.parts for run in shown])
    front = [_run_ranks(compared.metric, rows)] if compared.is_ranked else []
    front.append((RUN, list(map(printable, names))))
    if any(row["status"] != Status.COMPLETED for row in rows):
        front.append(_column("status", rows, lambda row: str(row["status"])))
    metrics = dict.fromkeys(name for run in shown for name in run.metrics)
    by = [_metric(compared.metric, rows)] if compared.metric else []
    others = [_metric(name, rows) for name in metrics if name != compared.metric]
    return fitted(_labels(compared, rows), front, by, others)


def _run_ranks(metric: str, rows: Sequence[Row]) -> Column:
    """Of those that completed with a value; they stand before the others."""
    title, texts = ranks(len(rows))
    values = ((row["status"], row.get(metric)) for row in rows)
    counts = [
        status == Status.COMPLETED and value is not None and abs(value) < math.inf
        for status, value in values
    ]
    return title, [rank if one else NOTHING for rank, one in zip(texts, counts, strict=True)]


def _labels(compared: RunComparison, rows: Sequence[Row]) -> list[Row]:
    return [{key: row[key] for key in compared.keys} for row in rows]


def _metric(name: str, rows: Sequence[Row]) -> Column:
    return _column(name, rows, lambda row: cell_text(row.get(name)))


def _column(title: str, rows: Sequence[Row], text: Callable[[Row], str]) -> Column:
    return printable(title), [text(row) for row in rows]


def _interval(row: Row) -> str:
    return interval_text(None if row["low"] is None else (row["low"], row["high"]))


def _corrected(row: Row) -> str:
    return "-" if row["p_holm"] is None else p_text(row["p_holm"])
