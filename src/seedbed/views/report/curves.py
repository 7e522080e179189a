"""What the page draws by epoch: the history of each run, thinned to what a picture can show.

A curve keeps its first and last point, and of each stretch of epochs the lowest and the highest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbed.catalog.reading import NOT_METRICS
from seedbed.catalog.record import RunRecord
from seedbed.config.hints import counted
from seedbed.errors import RunDirectoryError
from seedbed.recording.figure import LARGEST
from seedbed.views.metric_curves import History, history_of
from seedbed.views.report.cells import LARGEST_INTEGER

MOST_POINTS = 400_000
"""On the page; about 5 MB."""

FEWEST, LONGEST = 40, 400
"""Points of a curve that may be longer."""

MOST_METRICS = 24
"""Columns of histories; a stranger's may have any number."""

Points = tuple[list[float], list[float | None]]
"""Epochs and values; None where a value is not finite."""


@dataclass(frozen=True)
class PageCurves:
    """The histories of the runs.

    Args:
        metrics: names of the columns, those that all runs are compared by first.
        runs: of each run, points by name; empty for a run without a history.
        points: that a curve has at most.
        thinned: curves that had more.
        notes: what is not drawn, and why.
    """

    metrics: list[str]
    runs: list[dict[str, Points]]
    points: int
    thinned: int
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """In plain containers; the same epochs of many curves stand there once."""
        epochs: dict[tuple[float, ...], int] = {}
        runs = [
            {
                name: [epochs.setdefault(tuple(at), len(epochs)), values]
                for name, (at, values) in curves.items()
            }
            for curves in self.runs
        ]
        return {
            "metrics": self.metrics,
            "epochs": [list(map(_whole, one)) for one in epochs],
            "runs": runs,
            "points": self.points,
            "thinned": self.thinned,
            "notes": self.notes,
        }


def page_curves(records: Sequence[RunRecord]) -> PageCurves:
    """Reads the histories.

    Args:
        records: the runs, in their order; where there are too many the first have curves.
    """
    problems: list[str] = []
    histories: list[History] = []
    curves = 0
    for run in records:
        history = _history(run, problems)
        curves += min(len(_names([history])), MOST_METRICS)
        if histories and curves * FEWEST > MOST_POINTS:
            break
        histories.append(history)
    names = _names(histories)
    columns = names[:MOST_METRICS]
    total = sum(name in history for history in histories for name in columns)
    points = min(LONGEST, max(FEWEST, MOST_POINTS // max(1, total)))
    runs = [_points(history, columns, points) for history in histories]
    missing: list[dict[str, Points]] = [{} for _ in records[len(histories) :]]
    lengths = [len(one["epoch"]) for one in histories for name in columns if name in one]
    return PageCurves(
        columns,
        [*runs, *missing],
        points,
        sum(length > points for length in lengths),
        _notes(len(missing), len(names) - len(columns), problems, runs),
    )


def thinned(epochs: Sequence[float], values: Sequence[float | None], most: int) -> Points:
    """A curve of at most so many points, in five digits.

    Args:
        epochs: of the values.
        values: None and what is not finite are gaps.
        most: 4 or more.
    """
    x = np.array(epochs, dtype=np.float64)
    y = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    x, y = x[: len(y)], y[: len(x)]
    x, y = x[np.isfinite(x)], y[np.isfinite(x)]
    y = np.where(np.abs(y) < LARGEST, y, np.nan)
    if len(x) > most:
        kept = _kept(y, most)
        x, y = x[kept], y[kept]
    return x.tolist(), [None if np.isnan(one) else float(f"{one:.5g}") for one in y.tolist()]


def _kept(y: "np.ndarray[Any, Any]", most: int) -> "np.ndarray[Any, Any]":
    """Places of the points that stay."""
    stretches = (most - 2) // 2
    size = -(-len(y) // stretches)
    padded = np.full(stretches * size, np.nan)
    padded[: len(y)] = y
    folded = padded.reshape(stretches, size)
    lowest = np.where(np.isnan(folded), np.inf, folded).argmin(axis=1)
    highest = np.where(np.isnan(folded), -np.inf, folded).argmax(axis=1)
    begins = np.arange(stretches) * size
    places = np.concatenate([[0, len(y) - 1], begins + lowest, begins + highest])
    return np.unique(places[places < len(y)])


def _points(history: History, names: Sequence[str], most: int) -> dict[str, Points]:
    epochs = [np.nan if one is None else one for one in history.get("epoch", [])]
    return {name: thinned(epochs, history[name], most) for name in names if name in history}


def _history(run: RunRecord, problems: list[str]) -> History:
    """Empty for a run whose file is damaged, too."""
    try:
        return history_of(run)
    except RunDirectoryError as err:
        problems.append(err.problems[0])
        return {}


def _names(histories: Sequence[History]) -> list[str]:
    every = dict.fromkeys(name for history in histories for name in history)
    return [name for name in every if name not in NOT_METRICS]


def _notes(
    missing: int, columns: int, problems: Sequence[str], runs: Sequence[Mapping[str, Points]]
) -> list[str]:
    told = []
    if missing:
        told.append(f"curves are those of the first {len(runs)} runs, the others have none here")
    if columns:
        told.append(f"{counted(columns, 'column')} of the histories are left out")
    without = sum(not curves for curves in runs) - len(problems)
    if without:
        told.append(f"no curve, as no epoch was finished: {counted(without, 'run')}")
    if problems:
        told.append(f"no curve, as the file is damaged: {counted(len(problems), 'run')}, such as "
                    f"{problems[0]}")  # fmt: skip
    gaps = sum(v is None for curves in runs for _, values in curves.values() for v in values)
    if gaps:
        told.append(f"gaps in curves: {counted(gaps, 'value')} not finite")
    return told


def _whole(epoch: float) -> float:
    """Epochs are integers, and shorter as such; a stranger's history may say anything."""
    return int(epoch) if abs(epoch) < LARGEST_INTEGER and epoch == int(epoch) else epoch
