"""The settings of many runs over their seeds: which is best, by how much, and what is not known.

A run without a value is never left out in silence. One that failed, diverged or ended in NaN speaks
against its setting, which stands behind all settings that lost none; one that has not ended yet
speaks for nothing.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import isfinite

import numpy as np

from seedbed.analysis.intervals import Spread, spread
from seedbed.analysis.multiple import holm
from seedbed.analysis.variance import NoFullGrid, Variance, variance_shares
from seedbed.analysis.verdict import LEVEL, Verdict, verdict
from seedbed.runs.status import Status

Setting = tuple[Hashable, ...]

LOST = (Status.FAILED, Status.DIVERGED)
"""Statuses of runs that ended without a value."""

WITHOUT_VALUE = "without a finite value"


@dataclass(frozen=True, slots=True)
class Trial:
    """A run, as a comparison sees it.

    Args:
        setting: the values of the keys that differ.
        seed: of the run; runs of equal seeds are paired.
        status: of it.
        value: of the metric; None or NaN where it has none.
        rows: equal for runs that are measured on the same rows.
    """

    setting: Setting
    seed: Hashable
    status: str
    value: float | None
    rows: Hashable = ""

    @property
    def measured(self) -> float | None:
        """The value of a run that completed; None where it has none, or none that is finite."""
        known = self.status == Status.COMPLETED and self.value is not None and isfinite(self.value)
        return self.value if known else None

    @property
    def is_lost(self) -> bool:
        """Whether it has ended without a value."""
        ended = self.status in LOST or self.status == Status.COMPLETED
        return ended and self.measured is None


@dataclass(frozen=True)
class OneSetting:
    """A setting over its seeds.

    Args:
        setting: the values of the keys that differ.
        trials: its runs, one a seed.
        values: of the runs that have one, by seed.
        spread: of the values; None where there is none.
        against_best: the best setting against this one; None for the best itself.
        p_corrected: of that comparison, corrected for the number of them (Holm).
    """

    setting: Setting
    trials: tuple[Trial, ...]
    values: Mapping[Hashable, float]
    spread: Spread | None
    against_best: Verdict | None = None
    p_corrected: float | None = None

    @property
    def without_value(self) -> dict[str, int]:
        """How many of its runs have no value, by how they stand."""
        counts = Counter(
            one.status if one.status != Status.COMPLETED else WITHOUT_VALUE
            for one in self.trials
            if one.measured is None
        )
        return dict(counts)

    @property
    def lost(self) -> int:
        """Runs that ended without a value."""
        return sum(one.is_lost for one in self.trials)

    @property
    def is_behind(self) -> bool:
        """Whether the best is shown to be better, among as many comparisons as there are."""
        p, against = self.p_corrected, self.against_best
        return p is not None and p <= LEVEL and against is not None and against.is_better


@dataclass(frozen=True)
class SettingsCompared:
    """Settings over their seeds, the best first.

    Args:
        keys: that differ.
        higher: whether higher is better.
        settings: those that lost no run by their means, then the others.
        repeated: runs that are not counted, as a newer one has the same setting and seed.
        variance: what mattered; None where the runs are no full grid.
        no_variance: why there is none; empty if there is.
    """

    keys: tuple[str, ...]
    higher: bool
    settings: list[OneSetting]
    repeated: int
    variance: Variance | None
    no_variance: str

    @property
    def verdict(self) -> Verdict | None:
        """The best against the next; None for one setting.

        It is one comparison, and its p is not corrected. Both are chosen on the data that they are
        compared on, which makes the two closer than they would be otherwise, not farther apart.

        Source: Gutmann and Maymin (1987), Is the selected population the best?
        """
        return self.settings[1].against_best if len(self.settings) > 1 else None

    @property
    def deceptive(self) -> list[OneSetting]:
        """Settings that would stand first by the mean of the runs that they did not lose."""
        best = self.settings[0].spread
        return [
            one
            for one in self.settings[1:]
            if one.lost and best and one.spread and _is_ahead(one.spread, best, self.higher)
        ]

    @property
    def unequal_seeds(self) -> bool:
        """Whether the settings do not all have values of the same seeds."""
        return len({frozenset(one.values) for one in self.settings}) > 1


class DifferentRows(ValueError):
    """Two runs of one seed are measured on different rows, and say nothing of their settings."""


def compare_settings(
    keys: Sequence[str], trials: Iterable[Trial], *, higher: bool
) -> SettingsCompared:
    """Compares settings by their means over seeds.

    Args:
        keys: that differ; `Trial.setting` has a value for each.
        trials: the newest first: of several with the same setting and seed the first counts that
            completed, else that ended, else that there is.
        higher: whether higher is better.

    Raises:
        DifferentRows: if runs of one seed are measured on different rows.
    """
    given = list(trials)
    counted = _without_repeats(given)
    _refuse_different_rows(counted)
    ranked = sorted(_by_setting(counted), key=lambda one: _rank(one, higher))
    variance, no_variance = _variance(keys, counted)
    return SettingsCompared(
        tuple(keys),
        higher,
        _against_best(ranked, higher),
        len(given) - len(counted),
        variance,
        no_variance,
    )


def _without_repeats(trials: Iterable[Trial]) -> list[Trial]:
    """One trial for each setting and seed."""
    found: dict[tuple[Setting, Hashable], Trial] = {}
    for one in trials:
        key = one.setting, one.seed
        if key not in found or _standing(one) > _standing(found[key]):
            found[key] = one
    return list(found.values())


def _standing(trial: Trial) -> int:
    return 2 if trial.status == Status.COMPLETED else int(trial.status in LOST)


def _refuse_different_rows(trials: Iterable[Trial]) -> None:
    rows: dict[Hashable, Hashable] = {}
    for one in trials:
        if rows.setdefault(one.seed, one.rows) != one.rows:
            raise DifferentRows


def _by_setting(trials: Iterable[Trial]) -> list[OneSetting]:
    groups: dict[Setting, list[Trial]] = {}
    for one in trials:
        groups.setdefault(one.setting, []).append(one)
    return [_one_setting(setting, some) for setting, some in groups.items()]


def _one_setting(setting: Setting, trials: Sequence[Trial]) -> OneSetting:
    values = {one.seed: one.measured for one in trials if one.measured is not None}
    numbers = np.array(list(values.values()))
    return OneSetting(setting, tuple(trials), values, spread(numbers) if values else None)


def _rank(one: OneSetting, higher: bool) -> tuple[bool, bool, float]:
    if one.spread is None:
        return True, True, 0.0
    return False, one.lost > 0, -one.spread.mean if higher else one.spread.mean


def _is_ahead(one: Spread, other: Spread, higher: bool) -> bool:
    return one.mean > other.mean if higher else one.mean < other.mean


def _against_best(ranked: Sequence[OneSetting], higher: bool) -> list[OneSetting]:
    """The settings, each but the first with the verdict on the first against it."""
    best, *others = ranked
    said = [_paired(best, one, higher) for one in others]
    corrected = iter(holm([one.p for one in said if one.p is not None]))
    return [
        best,
        *(
            replace(
                one, against_best=found, p_corrected=None if found.p is None else next(corrected)
            )
            for one, found in zip(others, said, strict=True)
        ),
    ]


def _paired(first: OneSetting, second: OneSetting, higher: bool) -> Verdict:
    common = [seed for seed in first.values if seed in second.values]
    return verdict(
        np.array([first.values[seed] for seed in common]),
        np.array([second.values[seed] for seed in common]),
        higher=higher,
    )


def _variance(keys: Sequence[str], trials: Sequence[Trial]) -> tuple[Variance | None, str]:
    lacking = sum(one.measured is None for one in trials)
    if lacking:
        return None, f"{lacking} of {len(trials)} runs have no value"
    columns = dict(zip(keys, zip(*(one.setting for one in trials), strict=True), strict=False))
    try:
        values = [one.value for one in trials if one.value is not None]
        return variance_shares(moved_together(columns), values), ""
    except NoFullGrid as err:
        return None, str(err)


def moved_together(columns: Mapping[str, Sequence[Hashable]]) -> dict[str, Sequence[Hashable]]:
    """The columns, of which those that always change together are one, under all their names."""
    patterns = {key: _pattern(column) for key, column in columns.items()}
    ordered = sorted(patterns, key=lambda key: (patterns[key], list(patterns).index(key)))
    groups = [list(same) for _, same in groupby(ordered, key=lambda key: patterns[key])]
    groups.sort(key=lambda group: list(columns).index(group[0]))
    return {" + ".join(group): columns[group[0]] for group in groups}


def _pattern(column: Sequence[Hashable]) -> tuple[int, ...]:
    """Which rows of a column are equal."""
    numbers: dict[Hashable, int] = {}
    return tuple(numbers.setdefault(value, len(numbers)) for value in column)
