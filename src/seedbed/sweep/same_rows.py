"""Sorts the jobs of groups by how many rows their own parts have, as a stack has equally many.

Folds differ by a row, and parts of whole groups by more; names that only some training rows have
make inputs of other widths.
"""

from collections.abc import Callable, Sequence

from seedbed.components import AllowList
from seedbed.config.schema import DataConfig, RunConfig
from seedbed.data.splits import Drawn, drawn_by
from seedbed.errors import SeedbedError
from seedbed.sweep.groups import Group, Unfused
from seedbed.sweep.job import Job
from seedbed.tables.sources import read_once
from seedbed.tables.table import Table
from seedbed.training.run_data import data_of

Shapes = tuple[tuple[int, ...], ...]

ALONE = "no other job has as many rows in each part"


def of_same_rows(groups: Sequence[Group]) -> tuple[list[Group], list[Unfused]]:
    """The groups in parts that a stack may have, and the jobs that are left alone.

    Args:
        groups: each of jobs of one shape, by their configs; those that began in a stack stay as
            they are.
    """
    read = read_once()  # groups of other models mostly have the same table
    parts: list[Group] = []
    alone: list[Unfused] = []
    for group in groups:
        first = group.jobs[0]
        if first.stack is not None or not _may_differ(first.config):
            parts.append(group)
            continue
        try:
            shapes = _shapes([job.config for job in group.jobs], read)
        except SeedbedError:
            parts.append(group)  # each job says what is wrong with it
            continue
        gains, left = _parted(group, shapes)
        parts += gains
        alone += [Unfused(left, ALONE)] if left else []
    return parts, alone


def _parted(group: Group, shapes: Sequence[Shapes]) -> tuple[list[Group], list[Job]]:
    """Groups of jobs with the same shapes, and the jobs that are left alone."""
    parts: dict[Shapes, Group] = {}
    for at, (job, shape) in enumerate(zip(group.jobs, shapes, strict=True)):
        part = parts.setdefault(shape, Group([], None if group.snapshots is None else []))
        part.jobs.append(job)
        if group.snapshots is not None and part.snapshots is not None:
            part.snapshots.append(group.snapshots[at])
    always = group.jobs[0].config.sweep.fuse == "always"
    gains = [one for one in parts.values() if len(one.jobs) > 1 or always]
    return gains, [job for one in parts.values() if one not in gains for job in one.jobs]


def _may_differ(config: RunConfig) -> bool:
    """Whether the parts of runs of one group may have other numbers of rows."""
    return config.data.folds is not None or config.data.split.by is not None


def _shapes(configs: Sequence[RunConfig], read: Callable[[DataConfig], Table]) -> list[Shapes]:
    """Of the tensors of each run's parts."""
    allow = AllowList(configs[0].allow)
    known: dict[Drawn, Shapes] = {}
    found = []
    for config in configs:
        drawn = drawn_by(config.data, config.seed)
        if drawn not in known:
            data = data_of(config, allow, read)
            parts = (data.train, data.validation, data.test)
            tensors = (getattr(part, "tensors", ()) for part in parts)
            known[drawn] = tuple(tuple(one.shape) for pair in tensors for one in pair)
        found.append(known[drawn])
    return found
