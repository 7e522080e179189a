"""A metric against one swept key, against two, or against another metric: what a picture shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbed.analysis.basis import measured
from seedbed.analysis.runs_compared import RunsCompared
from seedbed.analysis.settings import Trial
from seedbed.catalog.values import identity
from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import ArgumentError
from seedbed.runs.status import Status
from seedbed.views.metric_curves import setting_labels


@dataclass(frozen=True)
class Level:
    """The runs with one value of a key, or with one of each of two.

    Args:
        values: of the metric, of the runs that have a finite one.
        without: runs that have none.
    """

    values: Sequence[float]
    without: int

    @property
    def mean(self) -> float:
        """NaN where no run has a value."""
        return float(np.mean(self.values)) if self.values else float("nan")


@dataclass(frozen=True)
class Slice:
    """A metric against a key: its values in order, and the runs at each."""

    key: str
    at: Sequence[Any]
    levels: Sequence[Level]

    @property
    def is_numeric(self) -> bool:
        """Whether the values belong on an axis of numbers."""
        return are_numbers(self.at)


@dataclass(frozen=True)
class Grid:
    """A metric against two keys; `cells[row][column]`, None where no run has both values."""

    row_key: str
    column_key: str
    rows: Sequence[Any]
    columns: Sequence[Any]
    cells: Sequence[Sequence[Level | None]]


@dataclass(frozen=True)
class Group:
    """The runs of a setting, each a point of two metrics."""

    label: str
    x: Sequence[float]
    y: Sequence[float]


def chosen_keys(compared: RunsCompared, asked: Sequence[str] | None, number: int) -> list[str]:
    """The keys that are drawn.

    Args:
        compared: the runs.
        asked: names; None for those that differ, if there are just so many.
        number: how many there must be.

    Raises:
        ArgumentError: if they do not differ, or are too many or too few; with those that do.
    """
    known = [*compared.keys]
    there_are = f"those that differ are {joined(known)}" if known else "no key differs"
    if asked is None:
        if len(known) != number:
            what = "one key" if number == 1 else "two keys, with a comma between,"
            raise ArgumentError(f"--key: name {what} of the runs; {there_are}")
        return known
    if len(set(asked)) != number or len(asked) != number:
        raise ArgumentError(f"--key: takes {number}, got {joined(list(asked))}; {there_are}")
    for key in asked:
        if key in compared.over:
            raise ArgumentError(f"--key: {key} is what is repeated; type --over none")
        if key not in known:
            hint = did_you_mean(key, known) or f"; {there_are}"
            raise ArgumentError(f"--key: '{key}' was not swept{hint}")
    return list(asked)


def slice_of(compared: RunsCompared, key: str) -> Slice:
    """The runs by the values of a key, whatever else differs."""
    found: dict[Any, tuple[Any, list[Trial]]] = {}
    for label, trial in _trials(compared):
        found.setdefault(identity(label[key]), (label[key], []))[1].append(trial)
    at = in_order([value for value, _ in found.values()])
    return Slice(key, at, [_level(found[identity(value)][1]) for value in at])


def grid_of(compared: RunsCompared, row_key: str, column_key: str) -> Grid:
    """The runs by the values of two keys, whatever else differs."""
    found: dict[tuple[Any, Any], list[Trial]] = {}
    for label, trial in _trials(compared):
        cell = identity(label[row_key]), identity(label[column_key])
        found.setdefault(cell, []).append(trial)
    rows, columns = (slice_of(compared, key).at for key in (row_key, column_key))
    cells = [[found.get((identity(row), identity(one))) for one in columns] for row in rows]
    levels = [[None if some is None else _level(some) for some in line] for line in cells]
    return Grid(row_key, column_key, rows, columns, levels)


def groups_of(compared: RunsCompared, against: str) -> tuple[list[Group], int]:
    """The points of the completed runs by setting, and how many runs lack one of the two metrics.

    Raises:
        ArgumentError: if no run has both.
    """
    names = dict.fromkeys(name for run in compared.table for name in run.metrics)
    if all(measured(run, against) is None for run in compared.table):
        hint = did_you_mean(against, names) or f"; there are {joined(list(names))}"
        raise ArgumentError(f"--against: no run has '{against}'{hint}")
    order = [one.setting for one in compared.settings.settings] if compared.settings else []
    labels, groups, without = setting_labels(compared), [], 0
    for setting in order or compared.counted:
        runs = compared.counted[setting]
        done = [run for run in runs if run.status == Status.COMPLETED]
        pairs = [(measured(run, against), measured(run, compared.metric.name)) for run in done]
        points = [(x, y) for x, y in pairs if x is not None and y is not None]
        points = [pair for pair in points if np.isfinite(pair).all()]
        without += len(runs) - len(points)
        if points:
            groups.append(Group(labels[setting], [x for x, _ in points], [y for _, y in points]))
    if not groups:
        raise ArgumentError(f"no run has both {compared.metric.name} and {against}")
    return groups, without


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all are numbers that an axis can show."""
    return all(
        isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e100
        for one in values
    )


def in_order(values: Sequence[Any]) -> list[Any]:
    """Numbers by their size, then the rest by its length and letters: `[8]` before `[16]`."""
    numbers = [one for one in values if are_numbers([one])]
    others = [one for one in values if not are_numbers([one])]
    return [*sorted(numbers), *sorted(others, key=lambda one: (len(str(one)), str(one)))]


def _trials(compared: RunsCompared) -> list[tuple[Any, Trial]]:
    """Of each run that counts, what its setting is, and how it did.

    Raises:
        ArgumentError: if the runs are measured on different rows, so that no mean says anything.
    """
    if compared.settings is None:
        raise ArgumentError(
            "the runs are measured on different rows, and a mean over them says nothing; "
            "--filter those of the same rows"
        )
    return [
        (compared.labels[one.setting], trial)
        for one in compared.settings.settings
        for trial in one.trials
    ]


def _level(trials: Sequence[Trial]) -> Level:
    values = [one.measured for one in trials if one.measured is not None]
    values = [value for value in values if abs(value) < 1e100]
    return Level(values, len(trials) - len(values))
