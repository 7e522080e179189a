"""How far seeds alone move the jobs of a sweep: each setting over its seeds, at the sweep's end."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seedbed.analysis.comparing import rank
from seedbed.analysis.intervals import mean_and_std
from seedbed.analysis.jobs_ranked import Ranked, Ranking, grouped
from seedbed.analysis.settings import REPEATS


@dataclass(frozen=True)
class OverSeeds:
    """What a setting gave over its seeds.

    Args:
        settings: all that differ but the seed, as typed.
        mean: of the metric.
        std: of the sample, with n - 1 below; None for a single seed.
        n: jobs.
        lost: jobs that ended without a value, beside those.
    """

    settings: Mapping[str, str]
    mean: float
    std: float | None
    n: int
    lost: int = 0


@dataclass(frozen=True)
class Settings:
    """Settings whose means can be compared.

    Args:
        metric: that they are compared by.
        found: the best mean first, settings that lost jobs behind the others.
    """

    metric: str
    found: list[OverSeeds]


def over_seeds(ranking: Ranking) -> list[Settings]:
    """Each setting's metric over its seeds and folds; empty if neither was swept.

    Means can be compared where each setting has the same rows so often as the others. Where rows
    are drawn by the seed, those are the settings with the same seeds.
    """
    if not any(key in ranking.keys for key in REPEATS):
        return []
    keys = [key for key in ranking.keys if key not in REPEATS]
    groups = grouped(
        ranking.jobs, lambda one: (one.metric, tuple(one.settings[key] for key in keys))
    )
    if all(len(group) < 2 for group in groups):
        return []
    alike = grouped(groups, lambda group: (group[0].metric, _rows_of(group)))
    return [
        _settings_of(family, keys, ranking.lost) for family in sorted(alike, key=len, reverse=True)
    ]


def _rows_of(group: Sequence[Ranked]) -> Hashable:
    """The sets of rows that a setting was measured on; how often, where there are several."""
    counted = Counter(one.job.rows for one in group)
    return tuple(sorted(counted.items())) if len(counted) > 1 else tuple(counted)


def _settings_of(
    family: Sequence[Sequence[Ranked]], keys: Sequence[str], lost: Mapping[tuple[str, ...], int]
) -> Settings:
    metric = family[0][0].metric.name
    found = []
    for group in family:
        values = {key: group[0].settings[key] for key in keys}
        mean, std = mean_and_std(np.array([one.value for one in group]))
        found.append(OverSeeds(values, mean, std, len(group), lost.get(tuple(values.values()), 0)))
    higher = family[0][0].metric.higher
    found.sort(key=lambda one: rank(one.mean, one.lost, higher=higher))
    return Settings(metric, found)
