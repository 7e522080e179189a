"""Sorts runs into settings, and ranks those: the rules that a comparison goes by."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from seedbed.analysis.folds import Folds
from seedbed.analysis.intervals import mean_and_std
from seedbed.analysis.jobs_ranked import grouped
from seedbed.analysis.settings import LOST, OneSetting, Setting, SettingsCompared, Trial
from seedbed.analysis.variance import NoFullGrid, Variance, codes_of, variance_shares
from seedbed.runs.status import Status


class DifferentRows(ValueError):
    """Two runs of one seed are measured on different rows, and say nothing of their settings."""


def compare_settings(
    keys: Sequence[str], trials: Iterable[Trial], *, higher: bool, folds: Folds | None = None
) -> SettingsCompared:
    """Compares settings by their means over seeds.

    Args:
        keys: that differ; `Trial.setting` has a value for each.
        trials: the newest first: of several with the same setting and seed the first counts that
            completed, else that ended, else that there is.
        higher: whether higher is better.
        folds: what the repetitions are, if they are those of a cross-validation.

    Raises:
        DifferentRows: if runs of one seed are measured on different rows.
    """
    given = list(trials)
    counted = without_repeats(given)
    _refuse_different_rows(counted)
    settings = [_one_setting(some, folds) for some in grouped(counted, lambda one: one.setting)]
    ranked = sorted(settings, key=lambda one: rank(one.mean, one.lost, higher=higher))
    variance, no_variance = _variance(keys, counted)
    repeated = len(given) - len(counted)
    return SettingsCompared(tuple(keys), higher, ranked, repeated, variance, no_variance)


def without_repeats(trials: Iterable[Trial]) -> list[Trial]:
    """One trial for each setting and seed."""
    found: dict[tuple[Setting, Hashable], Trial] = {}
    for one in trials:
        key = one.setting, one.seed
        if key not in found or _standing(one) > _standing(found[key]):
            found[key] = one
    seeds = _places(one.seed for one in found.values())
    settings = _places(one.setting for one in found.values())
    return sorted(found.values(), key=lambda one: (seeds[one.seed], settings[one.setting]))


def _places(cells: Iterable[Hashable]) -> dict[Hashable, int]:
    """The place of each among all of them, in their order."""
    return {one: place for place, one in enumerate(sorted(dict.fromkeys(cells), key=_order))}


def _order(seed: Hashable) -> tuple[tuple[bool, Any], ...]:
    """Numbers in their order, then the rest as texts: nothing hangs on the order of the runs."""
    parts = seed if isinstance(seed, tuple) else (seed,)
    return tuple(
        (False, part) if isinstance(part, int | float) else (True, str(part)) for part in parts
    )


def _standing(trial: Trial) -> int:
    return 2 if trial.status == Status.COMPLETED else int(trial.status in LOST)


def _refuse_different_rows(trials: Iterable[Trial]) -> None:
    rows: dict[Hashable, Hashable] = {}
    for one in trials:
        if rows.setdefault(one.seed, one.rows) != one.rows:
            raise DifferentRows


def _one_setting(trials: Sequence[Trial], folds: Folds | None) -> OneSetting:
    """Of the trials that have it."""
    values = {one.seed: one.measured for one in trials if one.measured is not None}
    mean, std = mean_and_std(np.array(list(values.values()))) if values else (None, None)
    return OneSetting(trials[0].setting, tuple(trials), values, mean, std, folds)


def rank(mean: float | None, lost: int, *, higher: bool) -> tuple[bool, bool, float]:
    """By what settings are sorted: those that lost a run behind the others, then by their means.

    Args:
        mean: of the setting; None stands last.
        lost: runs that ended without a value.
        higher: whether higher is better.
    """
    if mean is None:
        return True, True, 0.0
    return False, lost > 0, -mean if higher else mean


def _variance(keys: Sequence[str], trials: Sequence[Trial]) -> tuple[Variance | None, str]:
    lacking = sum(one.measured is None for one in trials)
    if lacking:
        return None, f"{lacking} of {len(trials)} runs have no value"
    columns = dict(zip(keys, zip(*(one.setting for one in trials), strict=True), strict=False))
    try:
        values = [one.value for one in trials if one.value is not None]
        merged = moved_together(columns)
        if len(merged) == 1 < len(columns):
            raise NoFullGrid("the keys only change together")
        return variance_shares(merged, values), ""
    except NoFullGrid as err:
        return None, str(err)


def moved_together(columns: Mapping[str, Sequence[Hashable]]) -> dict[str, Sequence[Hashable]]:
    """The columns, of which those that always change together are one, under all their names."""
    patterns = {key: codes_of(column) for key, column in columns.items()}
    ordered = sorted(patterns, key=lambda key: (patterns[key], list(patterns).index(key)))
    groups = [list(same) for _, same in groupby(ordered, key=lambda key: patterns[key])]
    groups.sort(key=lambda group: list(columns).index(group[0]))
    return {" + ".join(group): columns[group[0]] for group in groups}
