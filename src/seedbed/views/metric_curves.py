"""A metric by epoch: of runs side by side, or of settings as means over their seeds.

A mean is taken at the epochs where every run of its setting has a finite value, and at no other:
the runs that are left would make a setting whose others diverged or stopped look better, or worse.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seedbed.analysis.runs_compared import RunsCompared
from seedbed.analysis.sentences import setting_texts
from seedbed.analysis.settings import Setting
from seedbed.catalog.reading import NOT_METRICS
from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import BEST
from seedbed.config.hints import counted, did_you_mean, joined
from seedbed.errors import ArgumentError, RunDirectoryError
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_history
from seedbed.runs.stored import is_stored

History = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class MetricCurve:
    """A line of a picture.

    Args:
        label: what sets it apart from the others.
        epochs: where all runs have a finite value.
        means: of the runs, at each of these epochs; of one run its values.
        stds: of the sample, with n - 1 below; None for one run.
        n: runs.
        last: the largest epoch of any of the runs.
        ended: runs that have no epoch there.
        undefined: values that are NaN, infinite or empty, of all runs together.
    """

    label: str
    epochs: Sequence[float]
    means: Sequence[float]
    stds: Sequence[float] | None
    n: int
    last: float
    ended: int
    undefined: int

    @property
    def is_cut(self) -> bool:
        """Whether a run goes on beyond the last epoch that is drawn."""
        return not self.epochs or self.epochs[-1] < self.last


def metric_curves(compared: RunsCompared) -> tuple[list[MetricCurve], list[str]]:
    """The lines, the best first where the runs can be ranked, and what must be said of them.

    Args:
        compared: the runs; its metric must be one of those of each epoch.

    Raises:
        ArgumentError: if no run has it.
    """
    name = compared.metric.name
    histories, damaged = _histories(compared.table)
    _refuse_absent(name, histories.values())
    order = [one.setting for one in compared.settings.settings] if compared.settings else []
    labels = setting_labels(compared)
    curves = [
        metric_curve(labels[one], [histories[run.path] for run in compared.counted[one]], name)
        for one in order or compared.counted
    ]
    remarks = [*damaged, *_remarks(curves, name, compared.over)]
    return [one for one in curves if one.epochs], remarks


def metric_curve(label: str, histories: Sequence[History], name: str) -> MetricCurve:
    """One line.

    Args:
        label: of it.
        histories: of the runs; one at least.
        name: of the metric.
    """
    runs = [points_of(history, name) for history in histories]
    every = sorted({epoch for run in runs for epoch in run})
    shared = [epoch for epoch in every if all(_is_finite(run.get(epoch)) for run in runs)]
    values = np.array([[run[epoch] for epoch in shared] for run in runs], dtype=np.float64)
    last = every[-1] if every else 0.0
    return MetricCurve(
        label,
        shared,
        values.mean(axis=0).tolist(),
        values.std(axis=0, ddof=1).tolist() if len(runs) > 1 else None,
        len(runs),
        last,
        sum(last not in run for run in runs) if every else len(runs),
        sum(not _is_finite(value) for run in runs for value in run.values()),
    )


def points_of(history: History, name: str) -> dict[float, float | None]:
    """A metric by epoch; an epoch that is no number has no place.

    Args:
        history: of a run, which may be a stranger's.
        name: of the metric.
    """
    pairs = zip(history.get("epoch", ()), history.get(name, ()), strict=False)
    return {epoch: value for epoch, value in pairs if epoch is not None and math.isfinite(epoch)}


def _is_finite(value: float | None) -> bool:
    """Whether it can be averaged and squared; what is larger is as good as infinite."""
    return value is not None and math.isfinite(value) and abs(value) < 1e100


def _histories(runs: Iterable[RunRecord]) -> tuple[dict[Path, History], list[str]]:
    """Of each run by its path, empty where it is damaged; and a sentence on those.

    Raises:
        RunDirectoryError: if every one is.
    """
    found: dict[Path, History] = {}
    damaged: list[RunDirectoryError] = []
    for run in runs:
        try:
            found[run.path] = history_of(run)
        except RunDirectoryError as err:
            found[run.path] = {}
            damaged.append(err)
    if damaged and len(damaged) == len(found):
        raise damaged[0]
    number = counted(len(damaged), "run")
    return found, [f"no curve of {number}: {damaged[0]}"] if damaged else []


def history_of(run: RunRecord) -> History:
    """Empty for a run that finished no epoch.

    Raises:
        RunDirectoryError: if it is damaged.
    """
    paths = RunPaths(run.path)
    try:
        return read_history(paths)
    except RunDirectoryError:
        if is_stored(paths.history):
            raise
        return {}


def _refuse_absent(name: str, histories: Iterable[History]) -> None:
    every = dict.fromkeys(key for history in histories for key in history)
    found = [key for key in every if key not in NOT_METRICS]
    if name in found:
        return
    if not found:
        raise ArgumentError("no run has a finished epoch to plot")
    if name.startswith(BEST):
        raise ArgumentError(
            f"--metric: '{name}' is one number of a run, and a curve has one an epoch; "
            f"type --metric {name.removeprefix(BEST)}, or --kind slice"
        )
    hint = did_you_mean(name, found) or f"; of each epoch there are {joined(found)}"
    raise ArgumentError(f"--metric: no run has '{name}' of each epoch{hint}")


def setting_labels(compared: RunsCompared) -> dict[Setting, str]:
    """What sets each setting apart: its values, and the run's name where these do not.

    A key is named by its last part where no other key that differs ends so.
    """
    short = short_names(compared.keys)
    told = {
        setting: " ".join(f"{short[key]}={text}" for key, text in texts.items())
        for setting, texts in zip(
            compared.labels, setting_texts([*compared.labels.values()]), strict=True
        )
    }
    counts = Counter(told.values())
    for setting, text in told.items():
        if compared.over:
            told[setting] = text or "all runs"
        elif not text or counts[text] > 1:
            told[setting] = f"{text} {compared.records[setting][0].name}".strip()
    return told


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """The last part of each key where no other key ends so, else the whole key."""
    ends = Counter(map(_end, keys))
    return {key: _end(key) if ends[_end(key)] == 1 else key for key in keys}


def _end(key: str) -> str:
    return key.rpartition(".")[2]


def _remarks(curves: Sequence[MetricCurve], name: str, over: Sequence[str]) -> list[str]:
    told = []
    empty = [one for one in curves if not one.epochs]
    if empty:
        what = counted(len(empty), "setting" if over else "run")
        shared = " in all runs of a setting" if over else ""
        told.append(f"not drawn, as no epoch has a finite {name}{shared}: {what}")
    cut = [one for one in curves if one.epochs and one.is_cut and one.n > 1]
    if cut:
        ended = sum(one.ended for one in cut)
        told.append(
            f"{counted(len(cut), 'line')} cut short, as a mean is of all runs of its setting: "
            f"{counted(ended, 'run')} ended earlier"
        )
    undefined = sum(one.undefined for one in curves)
    if undefined:
        told.append(f"not drawn, as not finite: {undefined} of the values of {name}")
    return told
