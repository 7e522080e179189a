"""Which jobs of a sweep did best: each is ranked against those of the same rows only.

By what they are compared `sweep/yardstick.py` chooses.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from seedbed.analysis.job_values import differing, typed_settings, value_of
from seedbed.analysis.settings import REPEATS
from seedbed.runs.status import Status
from seedbed.sweep.outcome import JobState
from seedbed.sweep.yardstick import Metric, Yardstick

T = TypeVar("T")

ENDED = (Status.COMPLETED, Status.FAILED, Status.DIVERGED)
"""Statuses of jobs of which no value is to come."""


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
            the seed and the fold.
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
                lost[tuple(typed.get(key, "") for key in keys if key not in REPEATS)] += 1
            continue
        found.append(Ranked(job, {key: typed.get(key, "") for key in keys}, metric, value))
    groups = grouped(found, lambda one: (one.job.rows, one.metric))
    for group in groups:
        group.sort(key=lambda one: one.value, reverse=group[0].metric.higher)
    names = dict.fromkeys(name for one in found for name in one.job.metrics or {})
    others = [name for name in names if {one.metric.name for one in found} != {name}]
    return Ranking(keys, groups, others, left_out, lost)


def grouped(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Items of equal keys, in the order of the first of each."""
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())
