"""Runs the jobs of a group together, and says why where that is not possible or not faster."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

from seedbed.components import AllowList
from seedbed.data.prepared import PreparedData
from seedbed.errors import SeedbedError
from seedbed.fused.plan import StackPlan, prepare_stack
from seedbed.fused.pure import is_pure
from seedbed.fused.rows import NotAlikeError
from seedbed.fused.sizing import measured_width, widest
from seedbed.fused.stackable import refused_by_vmap, tried_pair
from seedbed.fused.step import Randomness
from seedbed.fused.train import train_stack
from seedbed.raised import reason
from seedbed.recording.writer import StackRun, StackWriter
from seedbed.runs.beginning import write_hydra_files
from seedbed.runs.checkpoint import Snapshot
from seedbed.runs.directory import RunDirectory
from seedbed.sweep.groups import Group, Singles, told_once
from seedbed.sweep.job import Job, Outcome, forget_checkpoints, job_directory
from seedbed.training.interrupt import stop_request
from seedbed.training.resume import load_best

Step = Callable[[float, int], None]
"""Called after every step of a stack with the part that is done, and the runs still in it."""

FILES_BESIDE = 64
"""Open files that are not locks of run directories."""


@dataclass(frozen=True)
class Choice:
    """How a group is to be run.

    Args:
        width: runs at a time.
        reason: why its jobs run singly, or None.
        plan: of the first of them, built already.
    """

    width: int
    reason: str | None
    plan: StackPlan | None = None


def chosen(group: Group, *, fuse: str, randomness: Randomness, workers: int) -> Choice:
    """Tries the model under vmap, and measures what is faster.

    Args:
        group: jobs of one shape.
        fuse: auto, or always, which does not ask for the faster.
        randomness: as `prepare_stack` takes it.
        workers: processes that were asked for; a user's own model is run in these.

    Raises:
        SeedbedError: if the parts of a job cannot be built.
    """
    configs = [job.config for job in group.jobs]
    allow = AllowList(configs[0].allow)
    known: dict[int, PreparedData] = {}
    plan = prepare_stack(tried_pair(configs), allow, randomness=randomness, known=known)
    if workers and fuse != "always" and not is_pure(plan.first.model):
        return Choice(1, "sweep.workers gives a model of your own a process for each job")
    reason = refused_by_vmap(plan)
    if reason is not None:
        return Choice(1, reason)
    width = min(widest(plan, len(configs)), _most_open_files())
    plan = prepare_stack(configs[:width], allow, randomness=randomness, known=known)
    measured = measured_width(plan, width)
    if fuse == "auto" and not measured.pays and not group.jobs[0].stacked:
        single, stacked = measured.single * 1e3, measured.stacked * 1e3
        told = f"a step takes {stacked:.2g} ms each and {single:.2g} ms alone"
        return Choice(1, f"together they gain nothing, {told}")
    return Choice(measured.runs, None, plan if measured.runs == width else None)


def stacks_of(group: Group, width: int) -> Iterator[Group]:
    """The group in parts of `width` jobs."""
    for start in range(0, len(group.jobs), width):
        part = slice(start, start + width)
        snapshots = group.snapshots[part] if group.snapshots is not None else None
        yield Group(group.jobs[part], snapshots)


def run_stack(
    stack: Group,
    number: int,
    plan: StackPlan | None,
    *,
    randomness: Randomness,
    step: Step,
    note: Callable[[str], None],
) -> list[tuple[Job, Outcome]]:
    """Trains a stack's jobs; each with its outcome.

    Args:
        stack: jobs of one shape.
        number: of the stack in the sweep.
        plan: built for these jobs, if it is there already.
        randomness: as `prepare_stack` takes it.
        step: called after every step.
        note: called with what a person should know.

    Raises:
        KeyboardInterrupt: if the user asked twice to stop.
        BaseException: whatever the user's own model raises; the jobs are to be run singly then.
    """
    configs = [job.config for job in stack.jobs]
    if plan is None:
        plan = prepare_stack(configs, AllowList(configs[0].allow), randomness=randomness)
    directories: list[RunDirectory] = []
    try:
        for job in stack.jobs:
            directories.append(job_directory(job))
            if stack.snapshots is None and not directories[-1].is_new:
                forget_checkpoints(directories[-1])
        runs = [
            StackRun(job.config.to_dict(), directory)
            for job, directory in zip(stack.jobs, directories, strict=True)
        ]
        engine = {"engine": "fused", "group": number, "K": len(runs)}
        writer = StackWriter(plan, runs, engine, step, note)
        resumed = _checkpoints(stack.snapshots, directories)
        jobs = stack.jobs
        writer.begin(
            stack.snapshots,
            lambda number: write_hydra_files(jobs[number].hydra, directories[number]),
        )
        with stop_request() as stop:
            train_stack(plan, len(runs), writer, stop, resumed)
    except BaseException as err:
        _note_failure(directories, err)
        raise
    finally:
        for directory in directories:
            directory.release()
    results = [run.result or {} for run in runs]
    outcomes = [Outcome(one["status"], one.get("error"), one["metrics"]) for one in results]
    return list(zip(stack.jobs, outcomes, strict=True))


def _checkpoints(
    last: Sequence[Snapshot] | None, directories: Sequence[RunDirectory]
) -> tuple[Sequence[Snapshot], Sequence[Snapshot]] | None:
    if last is None:
        return None
    best = [load_best(directory) for directory in directories]
    return last, [b or one for one, b in zip(last, best, strict=True)]


def _note_failure(directories: Sequence[RunDirectory], err: BaseException) -> None:
    """Says so in every run that has not ended; on its own, each logs its own traceback."""
    status = "interrupted" if isinstance(err, KeyboardInterrupt) else "failed"
    for directory in directories:
        if directory.lock is not None and directory.lock.held:
            with contextlib.suppress(SeedbedError):  # the disk may be what failed
                directory.write_status(status, reason(err))  # type: ignore[arg-type]


def _most_open_files() -> int:
    """Locks of run directories that this process can hold; asks for as many as it may have."""
    if resource is None:
        return 2**20
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard or hard == resource.RLIM_INFINITY:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return max(2, (2**20 if soft == resource.RLIM_INFINITY else soft) - FILES_BESIDE)


def not_stacked(
    groups: Sequence[Group], singles: Sequence[Singles], randomness: Randomness
) -> list[Singles]:
    """The jobs that cannot be stacked, each with why; found without measuring what is faster."""
    found = [single for single in singles if single.jobs]
    for group in groups:
        configs = tried_pair([job.config for job in group.jobs])
        reason: str | None
        try:
            plan = prepare_stack(configs, AllowList(configs[0].allow), randomness=randomness)
            reason = refused_by_vmap(plan)
        except NotAlikeError as err:
            reason = str(err)
        if reason is not None:
            found.append(Singles(group.jobs, reason))
    return told_once(found)
