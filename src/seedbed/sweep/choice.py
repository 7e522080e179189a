"""Which jobs of a group train together, and how many at a time, or why none do."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

from seedbed.components import AllowList
from seedbed.fused.build_stack import build_stack
from seedbed.fused.rows import NotAlikeError
from seedbed.fused.sizing import (
    StackSize,
    measured_width,
    most_runs,
    parts_for,
    run_bytes,
    seconds_each,
    width,
)
from seedbed.fused.stack_components import NARROWEST, StackComponents
from seedbed.fused.stack_data import KnownData
from seedbed.fused.stackable import tried_pair, vmap_blocker
from seedbed.fused.step import StackedModel
from seedbed.sweep.clusters.prepared_here import prepared_here
from seedbed.sweep.groups import Group, Unfused, merged_by_reason, starts_of
from seedbed.sweep.same_rows import of_same_rows
from seedbed.training.pure import is_pure

FILES_BESIDE = 64
"""Open files that are not locks of run directories."""


@dataclass(frozen=True)
class Choice:
    """How a group is to be run.

    Args:
        stack_size: runs at a time.
        reason: why its jobs run singly, or None.
        plan: of the first of them, built already.
        written: a model for all of them, with the step written out for so many runs.
        known: data that was prepared for them all; empty where each seed has its own.
        seconds, bytes: that each run takes, about.
        threads: of the CPU that a stack computes in.
        on_cpu: whether it computes there.
    """

    stack_size: int
    reason: str | None
    plan: StackComponents | None = None
    written: StackedModel | None = None
    known: KnownData = field(default_factory=dict)
    seconds: float = 0.0
    bytes: int = 0
    threads: int = 1
    on_cpu: bool = True


TASK_SECONDS = 30.0
"""Of work that are worth a task of a cluster, whose process begins in some seconds."""


def chosen(group: Group, *, cores: int, on_cluster: bool) -> Choice:
    """Tries the model under vmap, and measures what is faster.

    Args:
        group: jobs of one shape. Where they are always to fuse, nobody asks for the faster; where
            processes were asked for, a user's own model is run in these.
        cores: that the stacks are split over; not the number of workers, as bits depend on it.
        on_cluster: whether each stack is a task of a cluster.

    Raises:
        SeedbedError: if the parts of a job cannot be built.
    """
    configs = [prepared_here(job.config) for job in group.jobs]
    allow = AllowList(configs[0].allow)
    known: KnownData = {}
    starts = starts_of(group)
    plan = build_stack(tried_pair(configs), allow, known=known, starts=starts)
    settings = configs[0].sweep
    always = settings.fuse == "always"
    reason = _wants_processes(plan) if settings.processes and not always else None
    reason = reason or vmap_blocker(plan)
    if reason is not None:
        return Choice(1, reason)
    runs, most = len(configs), min(most_runs(plan), most_open_files())
    choice = Choice(
        min(runs, most),
        None,
        seconds=seconds_each(plan, max(one.trainer.epochs for one in configs)),
        bytes=run_bytes(plan),
        threads=plan.threads,
        on_cpu=plan.device.type == "cpu",
    )
    if group.jobs[0].stack is not None:  # as they were
        return replace(choice, known=_of_all(known))
    parts = _parts(choice, runs, cores, on_cluster=on_cluster)
    stack_size = width(most, runs, parts)
    some, repeats = configs[:stack_size], plan.are_alike
    if repeats:  # two of them, again and again, take as long; all are built where they train
        some = [plan.configs[place % NARROWEST] for place in range(stack_size)]
    plan = build_stack(some, allow, known=known, starts=starts)
    measured = measured_width(plan, stack_size)
    if plan.first.threads > 1:  # alone it has the cores that the stacks share out
        measured = replace(measured, stacked=measured.stacked / parts)
    if not always and not measured.pays:
        return Choice(1, _gains_nothing(measured))
    return replace(
        choice,
        stack_size=measured.runs,
        plan=plan if measured.runs == stack_size and not repeats else None,
        written=plan.model if plan.layout.runs_last and repeats else None,
        known=_of_all(known),
    )


def _wants_processes(plan: StackComponents) -> str | None:
    """Why `sweep.workers` has each job run by itself: it has code of the user's own."""
    own = "model" if not is_pure(plan.first.model) else "step"
    if own == "step" and plan.first.step is None:
        return None
    return f"sweep.workers gives a {own} of your own a process for each job"


def _parts(choice: Choice, runs: int, cores: int, *, on_cluster: bool) -> int:
    """Into how many stacks the runs of a group are split."""
    if on_cluster:
        return tasks_for(runs, choice.seconds, cores)
    at_once = max(1, cores // choice.threads) if choice.on_cpu else 1
    return parts_for(runs, choice.seconds, at_once)


def _gains_nothing(measured: StackSize) -> str:
    single, stacked = measured.single * 1e3, measured.stacked * 1e3
    times = f"a step takes {stacked:.2g} ms each and {single:.2g} ms alone"
    return f"together they gain nothing, {times}"


def tasks_for(runs: int, seconds: float, slots: int) -> int:
    """Into how many tasks runs are split that one stack could take.

    Args:
        runs: of one form.
        seconds: that each takes, as `seconds_each` tells.
        slots: tasks that the cluster takes at a time.
    """
    return max(1, min(int(runs * seconds / TASK_SECONDS), slots, runs // NARROWEST))


def _of_all(known: KnownData) -> KnownData:
    """Data that all stacks of a group have; what single seeds have is theirs to prepare."""
    return known if len(known) == 1 else {}


def stacks_of(group: Group, stack_size: int) -> Iterator[Group]:
    """The group in parts of `stack_size` jobs."""
    for start in range(0, len(group.jobs), stack_size):
        part = slice(start, start + stack_size)
        snapshots = group.snapshots[part] if group.snapshots is not None else None
        yield Group(group.jobs[part], snapshots)


def most_open_files() -> int:
    """Locks of run directories that this process can hold; asks for as many as it may have."""
    if resource is None:
        return 2**20
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard or hard == resource.RLIM_INFINITY:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return max(2, (2**20 if soft == resource.RLIM_INFINITY else soft) - FILES_BESIDE)


def not_stacked(groups: Sequence[Group], individually: Sequence[Unfused]) -> list[Unfused]:
    """The jobs that cannot be stacked, each with why; found without measuring what is faster."""
    parts, alone = of_same_rows(groups)
    unfused = [*(single for single in individually if single.jobs), *alone]
    for group in parts:
        configs = tried_pair([prepared_here(job.config) for job in group.jobs])
        reason: str | None
        try:
            allow = AllowList(configs[0].allow)
            reason = vmap_blocker(build_stack(configs, allow, starts=starts_of(group)))
        except NotAlikeError as err:
            reason = str(err)
        if reason is not None:
            unfused.append(Unfused(group.jobs, reason))
    return merged_by_reason(unfused)
