"""Which jobs of a sweep did best by the monitored value, and how far seeds alone move it."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seedbed.sweep.outcome import JobRecord

HIGHER_IS_BETTER = ("r2", "accuracy", "f1", "auroc")
"""As in `training/objective.py`, whose import would bring torch to where only numbers are shown."""

SEED = "seed"


def higher_is_better(metric: str) -> bool:
    """Whether `val/accuracy` and the like; losses and errors are better when lower."""
    return metric.rpartition("/")[2] in HIGHER_IS_BETTER


def value_of(job: JobRecord, metric: str) -> float | None:
    """The metric of a job that completed; None where it has none or is not defined."""
    value = (job.metrics or {}).get(metric) if job.status == "completed" else None
    return value if value is not None and math.isfinite(value) else None


class Leader:
    """The best job so far.

    Args:
        monitor: `trainer.monitor`; `auto` is val/loss where a job has it, else train/loss.
    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.metric = "train/loss" if monitor == "auto" else monitor
        self.folder = ""
        self.value = math.nan

    def take(self, job: JobRecord) -> None:
        """Takes in a job that ended."""
        if self.monitor == "auto" and self.metric != "val/loss" and "val/loss" in _metrics(job):
            self.metric, self.value = "val/loss", math.nan
        value = value_of(job, self.metric)
        if value is None:
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
        value: of the monitored metric.
    """

    job: JobRecord
    settings: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Ranking:
    """The jobs of a sweep, the best first.

    Args:
        metric: that they are ranked by.
        keys: of the settings that differ between jobs, in the order of the overrides.
        jobs: completed, with a value of the metric.
        others: the other metrics that jobs have.
        left_out: how many jobs are not ranked, by why.
    """

    metric: str
    keys: list[str]
    jobs: list[Ranked]
    others: list[str]
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class OverSeeds:
    """What a setting gave over its seeds.

    Args:
        settings: all that differ but the seed, as typed.
        mean: of the metric.
        std: of the sample, with n - 1 below; None for a single seed.
        n: jobs.
    """

    settings: Mapping[str, str]
    mean: float
    std: float | None
    n: int


def ranked(jobs: Sequence[JobRecord], monitor: str) -> Ranking:
    """Ranks the jobs of a sweep.

    Args:
        jobs: all of them, with their metrics.
        monitor: `trainer.monitor`.
    """
    leader = Leader(monitor)
    for job in jobs:
        leader.take(job)
    settings = [_settings(job) for job in jobs]
    keys = _differing(settings)
    found, left_out = [], Counter[str]()
    for job, typed in zip(jobs, settings, strict=True):
        value = value_of(job, leader.metric)
        if value is None:
            completed = job.status == "completed"
            left_out[f"without {leader.metric}" if completed else job.status] += 1
            continue
        found.append(Ranked(job, {key: typed.get(key, "") for key in keys}, value))
    found.sort(key=lambda one: one.value, reverse=higher_is_better(leader.metric))
    names = dict.fromkeys(name for one in found for name in _metrics(one.job))
    others = [name for name in names if name != leader.metric]
    return Ranking(leader.metric, keys, found, others, left_out)


def over_seeds(ranking: Ranking) -> list[OverSeeds]:
    """Each setting's metric over its seeds, the best mean first; empty if no seeds were swept."""
    if SEED not in ranking.keys:
        return []
    keys = [key for key in ranking.keys if key != SEED]
    groups: dict[tuple[str, ...], list[Ranked]] = {}
    for one in ranking.jobs:
        groups.setdefault(tuple(one.settings[key] for key in keys), []).append(one)
    if all(len(group) < 2 for group in groups.values()):
        return []
    found = [
        OverSeeds(dict(zip(keys, typed, strict=True)), *_mean_and_std(group), len(group))
        for typed, group in groups.items()
    ]
    return sorted(found, key=lambda one: one.mean, reverse=higher_is_better(ranking.metric))


def _mean_and_std(group: Sequence[Ranked]) -> tuple[float, float | None]:
    values = [one.value for one in group]
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def _metrics(job: JobRecord) -> Mapping[str, float]:
    return job.metrics or {}


def _settings(job: JobRecord) -> dict[str, str]:
    """Overrides by key; of a key that is typed twice the last counts, as it does for Hydra."""
    return {key.lstrip("+"): value for key, _, value in (w.partition("=") for w in job.overrides)}


def _differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    keys = dict.fromkeys(key for one in settings for key in one)
    return [key for key in keys if len({one.get(key) for one in settings}) > 1]
