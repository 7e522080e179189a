"""The settings of many runs over their seeds: which is best, by how much, and what is not known.

A run without a value is never left out in silence. One that failed, diverged or ended in NaN speaks
against its setting, which stands behind all settings that lost none; one that has not ended yet
speaks for nothing.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np

from seedbed.analysis.folds import FOLD, Folds, by_rows, corrected_interval, corrected_p
from seedbed.analysis.intervals import Array, Interval, bca_interval
from seedbed.analysis.multiple import holm
from seedbed.analysis.variance import Variance, noise_share
from seedbed.analysis.verdict import Verdict, paired_differences, paired_ps, verdict
from seedbed.runs.status import Status

SEED = "seed"
"""The key whose values repeat a setting, unless others are named."""

REPEATS = (SEED, FOLD)
"""Keys whose values repeat a setting by themselves; folds where they were swept."""

Setting = tuple[Hashable, ...]

LOST = (Status.FAILED, Status.DIVERGED)
"""Statuses of runs that ended without a value."""

WITHOUT_VALUE = "completed without a finite value"


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
        mean: of the values; None where there is none.
        std: of the sample, with n - 1 below; None for fewer than two values.
        folds: what the repetitions are, if they are those of a cross-validation.
    """

    setting: Setting
    trials: tuple[Trial, ...]
    values: Mapping[Hashable, float]
    mean: float | None
    std: float | None
    folds: Folds | None = None

    @property
    def n(self) -> int:
        """Runs that have a value."""
        return len(self.values)

    @cached_property
    def interval(self) -> Interval | None:
        """The 95 % interval of the mean; None where the values tell of no spread."""
        if self.folds is not None and self.values:
            return corrected_interval(by_rows(self.values, self.rows), self.folds)
        return bca_interval(np.array(list(self.values.values()))) if self.values else None

    @cached_property
    def rows(self) -> dict[Hashable, Hashable]:
        """What each repetition was measured on."""
        return {one.seed: one.rows for one in self.trials}

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


@dataclass(frozen=True)
class Against:
    """The best setting against another.

    Args:
        first: the best.
        second: the other.
        higher: whether higher is better.
        p: of the comparison; None without seeds in common.
        p_corrected: the same among as many comparisons as there are others (Holm).
    """

    first: OneSetting
    second: OneSetting
    higher: bool
    p: float | None
    p_corrected: float | None

    @cached_property
    def verdict(self) -> Verdict:
        """On the two."""
        return _verdict(self.first, self.second, higher=self.higher)


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

    @cached_property
    def verdict(self) -> Verdict | None:
        """The best against the next; None for one setting.

        It is one comparison, and its p is not corrected. Both are chosen on the data that they are
        compared on, which makes the two closer than they would be otherwise, not farther apart.

        Source: Gutmann and Maymin (1987), Is the selected population the best?
        """
        if len(self.settings) < 2:
            return None
        best, following = self.settings[:2]
        return _verdict(best, following, higher=self.higher)

    @cached_property
    def against_best(self) -> list[Against]:
        """The best against each of the others, in their order."""
        if self.verdict is None:
            return []
        best, following, *rest = self.settings
        others = [following, *rest]
        known = [self.verdict.p, *_ps(best, rest)]
        corrected = iter(holm([p for p in known if p is not None]))
        return [
            Against(best, one, self.higher, p, None if p is None else next(corrected))
            for one, p in zip(others, known, strict=True)
        ]

    @cached_property
    def noise(self) -> float | None:
        """The share of the variance within the settings; None where no setting has two values."""
        return noise_share([list(one.values.values()) for one in self.settings])

    @property
    def deceptive(self) -> list[OneSetting]:
        """Settings that would stand first by the mean of the runs that they did not lose."""
        best = self.settings[0].mean
        return [
            one
            for one in self.settings[1:]
            if one.lost
            and best is not None
            and one.mean is not None
            and (one.mean > best if self.higher else one.mean < best)
        ]

    @property
    def unequal_seeds(self) -> bool:
        """Whether the settings do not all have values of the same seeds."""
        return len({frozenset(one.values) for one in self.settings}) > 1


def _verdict(first: OneSetting, second: OneSetting, *, higher: bool) -> Verdict:
    return verdict(*_common(first, second), higher=higher, folds=first.folds)


def _ps(best: OneSetting, others: Sequence[OneSetting]) -> list[float | None]:
    pairs = [_common(best, one) for one in others]
    if best.folds is None:
        return paired_ps(pairs)
    return [corrected_p(paired_differences(*pair), best.folds) for pair in pairs]


def _common(first: OneSetting, second: OneSetting) -> tuple[Array, Array]:
    """The values of both on the seeds that both have, in one order; of folds, on their rows."""
    common = [seed for seed in first.values if seed in second.values]
    pair = [{seed: one.values[seed] for seed in common} for one in (first, second)]
    if first.folds is not None:
        return by_rows(pair[0], first.rows), by_rows(pair[1], first.rows)
    return np.array([*pair[0].values()]), np.array([*pair[1].values()])
