"""Which jobs of a sweep did best, and how far seeds alone move it.

Jobs are ranked against those of the same rows only, by what `yardstick.py` chooses.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from seedbed.runs.status import Status
from seedbed.sweep.outcome import JobState
from seedbed.sweep.yardstick import Metric, Yardstick
from seedbed.tasks.metrics import higher_is_better

T = TypeVar("T")

SEED = "seed"

ENDED = (Status.COMPLETED, Status.FAILED, Status.DIVERGED)
"""Statuses of jobs of which no value is to come."""


def value_of(job: JobState, metric: str) -> float | None:
    """The metric of a job that completed; None where it has none or is not defined."""
    value = (job.metrics or {}).get(metric) if job.status == Status.COMPLETED else None
    return value if value is not None and math.isfinite(value) else None


class Leader:
    """The best job so far, where all jobs of the sweep can be compared.

    Args:
        monitor: `trainer.monitor`; `auto` is val/loss where a job has it, else train/loss.
        jobs: of the sweep.
    """

    def __init__(self, monitor: str, jobs: Sequence[JobState] = ()) -> None:
        self.yardstick = Yardstick(jobs, monitor)
        self.metric = "train/loss" if monitor == "auto" else monitor
        self.folder = ""
        self.value = math.nan

    def take(self, job: JobState) -> None:
        """Takes in a job that ended."""
        metric = self.yardstick.metric(job)
        value = value_of(job, metric.name)
        if value is None or metric.unit or not self.yardstick.one_set_of_rows:
            return
        if not self.folder or metric.name.startswith("val/") > self.metric.startswith("val/"):
            self.metric, self.value = metric.name, math.nan
        if metric.name != self.metric:
            return
        higher = higher_is_better(self.metric)
        if math.isnan(self.value) or (value > self.value if higher else value < self.value):
            self.value, self.folder = value, job.directory


@dataclass(frozen=True)
class Ranked:
    """A job among the others.

    Args:
        job: completed.
        settings: those that differ between the jobs, as typed; empty where a job does not say.
        metric: that it is compared by.
        value: of that metric.
    """

    job: JobState
    settings: Mapping[str, str]
    metric: Metric
    value: float


@dataclass(frozen=True)
class Ranking:
    """The jobs of a sweep, in groups that can be compared.

    Args:
        keys: of the settings that differ between jobs, in the order of the overrides.
        groups: jobs of the same rows and metric, the best of each first.
        others: the other metrics that jobs have.
        left_out: how many jobs are not ranked, by why.
        lost: how many jobs of a setting ended without a value, by its values of `keys` without
            the seed.
    """

    keys: list[str]
    groups: list[list[Ranked]]
    others: list[str]
    left_out: Mapping[str, int]
    lost: Mapping[tuple[str, ...], int]

    @property
    def jobs(self) -> list[Ranked]:
        """Of all groups."""
        return [one for group in self.groups for one in group]

    @property
    def metric(self) -> str:
        """Of the first group."""
        return self.groups[0][0].metric.name if self.groups else ""

    @property
    def instead(self) -> str:
        """The loss that cannot compare the jobs; empty if the metrics are what was asked for."""
        return next((one.metric.instead for one in self.jobs if one.metric.instead), "")

    @property
    def differ_in_rows(self) -> bool:
        """Whether jobs were measured on different rows."""
        return len({one.job.rows for one in self.jobs}) > 1

    @property
    def differ_in_unit(self) -> bool:
        """Whether the numbers of different groups are in different units."""
        return len({(one.metric.name, one.metric.unit) for one in self.jobs}) > 1


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


def ranked(jobs: Sequence[JobState], monitor: str) -> Ranking:
    """Ranks the jobs of a sweep.

    Args:
        jobs: all of them, with their metrics.
        monitor: `trainer.monitor`.
    """
    yardstick = Yardstick(jobs, monitor)
    settings = [typed_settings(job) for job in jobs]
    keys = differing(settings)
    found, left_out, lost = [], Counter[str](), Counter[tuple[str, ...]]()
    for job, typed in zip(jobs, settings, strict=True):
        metric = yardstick.metric(job)
        value = value_of(job, metric.name)
        if value is None:
            completed = job.status == Status.COMPLETED
            left_out[f"without {metric.name}" if completed else job.status] += 1
            if job.status in ENDED:
                lost[tuple(typed.get(key, "") for key in keys if key != SEED)] += 1
            continue
        found.append(Ranked(job, {key: typed.get(key, "") for key in keys}, metric, value))
    groups = _grouped(found, lambda one: (one.job.rows, one.metric))
    for group in groups:
        higher = higher_is_better(group[0].metric.name)
        group.sort(key=lambda one: one.value, reverse=higher)
    names = dict.fromkeys(name for one in found for name in one.job.metrics or {})
    others = [name for name in names if {one.metric.name for one in found} != {name}]
    return Ranking(keys, groups, others, left_out, lost)


def over_seeds(ranking: Ranking) -> list[Settings]:
    """Each setting's metric over its seeds; empty if no seeds were swept.

    Means can be compared where each setting has the same rows so often as the others. Where rows
    are drawn by the seed, those are the settings with the same seeds.
    """
    if SEED not in ranking.keys:
        return []
    keys = [key for key in ranking.keys if key != SEED]
    groups = _grouped(
        ranking.jobs, lambda one: (one.metric, tuple(one.settings[key] for key in keys))
    )
    if all(len(group) < 2 for group in groups):
        return []
    alike = _grouped(groups, lambda group: (group[0].metric, _rows_of(group)))
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
        mean, std = _mean_and_std(group)
        found.append(OverSeeds(values, mean, std, len(group), lost.get(tuple(values.values()), 0)))
    found.sort(key=lambda one: one.mean, reverse=higher_is_better(metric))
    found.sort(key=lambda one: one.lost > 0)
    return Settings(metric, found)


def _mean_and_std(group: Sequence[Ranked]) -> tuple[float, float | None]:
    values = [one.value for one in group]
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def _grouped(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Items of equal keys, in the order of the first of each."""
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def typed_settings(job: JobState) -> dict[str, str]:
    """Overrides by key; of a key that is typed twice the last counts, as it does for Hydra."""
    return {key.lstrip("+"): value for key, _, value in (w.partition("=") for w in job.overrides)}


def differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """Keys that do not have one value in all of them, in the order of the overrides."""
    keys = dict.fromkeys(key for one in settings for key in one)
    return [key for key in keys if len({one.get(key) for one in settings}) > 1]
