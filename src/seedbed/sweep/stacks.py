"""Runs the jobs of a group together, and says why where that is not possible or not faster."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

from seedbed.components import AllowList
from seedbed.data.prepared import PreparedData
from seedbed.fused.engine import fused_training
from seedbed.fused.pure import is_pure
from seedbed.fused.rows import NotAlikeError
from seedbed.fused.sizing import (
    measured_width,
    most_runs,
    parts_for,
    run_bytes,
    seconds_each,
    width,
)
from seedbed.fused.stack_components import StackComponents, build_stack
from seedbed.fused.stackable import tried_pair, vmap_blocker
from seedbed.fused.step import Randomness
from seedbed.recording.directory import DirectoryRecorder
from seedbed.recording.recorded_run import RecordedRun
from seedbed.runs.beginning import write_hydra_files
from seedbed.runs.checkpoint import Checkpoint
from seedbed.sweep.groups import Group, Unfused, merged_by_reason
from seedbed.sweep.job import Job, Outcome, forget_checkpoints, job_directory
from seedbed.training.interrupt import stop_request
from seedbed.training.loop import train
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.resume import load_best
from seedbed.training.training import Training

Step = Callable[[float, int], None]
"""Called after every step of a stack with the part that is done, and the runs still in it."""

FILES_BESIDE = 64
"""Open files that are not locks of run directories."""


@dataclass(frozen=True)
class Choice:
    """How a group is to be run.

    Args:
        stack_size: runs at a time.
        reason: why its jobs run singly, or None.
        plan: of the first of them, built already.
        known: data that was prepared for them all; empty where each seed has its own.
        seconds, bytes: that each run takes, about.
        threads: of the CPU that a stack computes in.
        on_cpu: whether it computes there.
    """

    stack_size: int
    reason: str | None
    plan: StackComponents | None = None
    known: dict[int, PreparedData] = field(default_factory=dict)
    seconds: float = 0.0
    bytes: int = 0
    threads: int = 1
    on_cpu: bool = True


def chosen(group: Group, *, fuse: str, randomness: Randomness, workers: int, cores: int) -> Choice:
    """Tries the model under vmap, and measures what is faster.

    Args:
        group: jobs of one shape.
        fuse: auto, or always, which does not ask for the faster.
        randomness: as `build_stack` takes it.
        workers: processes that were asked for; a user's own model is run in these.
        cores: that the stacks are split over; not the number of workers, as bits depend on it.

    Raises:
        SeedbedError: if the parts of a job cannot be built.
    """
    configs = [job.config for job in group.jobs]
    allow = AllowList(configs[0].allow)
    known: dict[int, PreparedData] = {}
    plan = build_stack(tried_pair(configs), allow, randomness=randomness, known=known)
    if workers and fuse != "always" and not is_pure(plan.first.model):
        return Choice(1, "sweep.workers gives a model of your own a process for each job")
    reason = vmap_blocker(plan)
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
    at_once = max(1, cores // plan.threads) if choice.on_cpu else 1
    parts = parts_for(runs, choice.seconds, at_once)
    stack_size = width(most, runs, parts)
    plan = build_stack(configs[:stack_size], allow, randomness=randomness, known=known)
    measured = measured_width(plan, stack_size)
    if plan.first.threads > 1:  # alone it has the cores that the stacks share out
        measured = replace(measured, stacked=measured.stacked / parts)
    if fuse == "auto" and not measured.pays:
        single, stacked = measured.single * 1e3, measured.stacked * 1e3
        times = f"a step takes {stacked:.2g} ms each and {single:.2g} ms alone"
        return Choice(1, f"together they gain nothing, {times}")
    whole = plan if measured.runs == stack_size else None
    return replace(choice, stack_size=measured.runs, plan=whole, known=_of_all(known))


def _of_all(known: dict[int, PreparedData]) -> dict[int, PreparedData]:
    """Data that all stacks of a group have; what single seeds have is theirs to prepare."""
    return known if len(known) == 1 else {}


def stacks_of(group: Group, stack_size: int) -> Iterator[Group]:
    """The group in parts of `stack_size` jobs."""
    for start in range(0, len(group.jobs), stack_size):
        part = slice(start, start + stack_size)
        snapshots = group.snapshots[part] if group.snapshots is not None else None
        yield Group(group.jobs[part], snapshots)


def run_stack(
    stack: Group,
    number: int,
    plan: StackComponents | None,
    *,
    randomness: Randomness,
    step: Step,
    note: Callable[[str], None],
    known: dict[int, PreparedData] | None = None,
    in_parallel: bool = True,
) -> list[tuple[Job, Outcome]]:
    """Trains a stack's jobs; each with its outcome.

    Args:
        stack: jobs of one shape.
        number: of the stack in the sweep.
        plan: built for these jobs, if it is there already.
        randomness: as `build_stack` takes it.
        step: called after every step.
        note: called with what a person should know.
        known: data that is prepared already, as `build_stack` takes it.
        in_parallel: whether a fork may write some of the files.

    Raises:
        KeyboardInterrupt: if the user asked twice to stop.
        BaseException: whatever the user's own model raises; the jobs are to be run singly then.
    """
    configs = [job.config for job in stack.jobs]
    if plan is None:
        allow = AllowList(configs[0].allow)
        plan = build_stack(configs, allow, randomness=randomness, known=dict(known or {}))
    with contextlib.ExitStack() as held, stop_request() as stop:
        runs = [_recorded(job, plan.data[index], held) for index, job in enumerate(stack.jobs)]
        if stack.snapshots is None:
            for run in runs:
                if not run.directory.is_new:
                    forget_checkpoints(run.directory)
        recorder = held.enter_context(
            DirectoryRecorder(
                plan.first,
                runs,
                threads=plan.threads,
                stop=stop,
                stack={"group": number, "K": len(runs)},
                in_parallel=in_parallel and plan.may_fork,
                before=lambda at: write_hydra_files(stack.jobs[at].hydra, runs[at].directory),
            )
        )
        training = fused_training(plan, len(runs))
        if stack.snapshots is not None:
            best = [load_best(run.directory) for run in runs]
            last = stack.snapshots
            training.restore(last, [b or one for one, b in zip(last, best, strict=True)])
        train(training, StackReport(recorder, step, note), stop, stack.snapshots)
    results = [run.result or {} for run in runs]
    outcomes = [Outcome(one["status"], one.get("error"), one["metrics"]) for one in results]
    return list(zip(stack.jobs, outcomes, strict=True))


class StackReport(Forwarding):
    """Tells how far a stack is.

    Args:
        recorder: hears the same.
        step: called after every step.
        note: called with what a person should know.
    """

    def __init__(self, recorder: Recorder, step: Step, note: Callable[[str], None]) -> None:
        super().__init__(recorder)
        self._step = step
        self._note = note

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """See `Recorder`."""
        super().begin(training, resumed)
        epochs = max(config.trainer.epochs for config in training.progress.configs)
        self._steps = epochs * training.progress.batches

    def step(self, training: Training) -> None:
        """See `Recorder`."""
        self._step(training.progress.step / self._steps, training.progress.num_active)

    def note(self, text: str) -> None:
        """See `Recorder`."""
        self._note(text)


def _recorded(job: Job, data: PreparedData, held: contextlib.ExitStack) -> RecordedRun:
    """The directory of a job, which is released at the end whatever happens."""
    directory = job_directory(job)
    held.callback(directory.release)
    return RecordedRun(job.config, directory, data, job.config.sweep.plot)


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


def not_stacked(
    groups: Sequence[Group], individually: Sequence[Unfused], randomness: Randomness
) -> list[Unfused]:
    """The jobs that cannot be stacked, each with why; found without measuring what is faster."""
    unfused = [single for single in individually if single.jobs]
    for group in groups:
        configs = tried_pair([job.config for job in group.jobs])
        reason: str | None
        try:
            plan = build_stack(configs, AllowList(configs[0].allow), randomness=randomness)
            reason = vmap_blocker(plan)
        except NotAlikeError as err:
            reason = str(err)
        if reason is not None:
            unfused.append(Unfused(group.jobs, reason))
    return merged_by_reason(unfused)
