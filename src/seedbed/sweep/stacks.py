"""Trains the jobs of a stack, each in a directory of its own."""

import contextlib
from collections.abc import Callable, Sequence

from seedbed.components import AllowList
from seedbed.data.prepared import PreparedData
from seedbed.fused.build_stack import build_stack
from seedbed.fused.compiled.steps import Compiling
from seedbed.fused.engine import fused_training
from seedbed.recording.directory import DirectoryRecorder
from seedbed.recording.gradient_points import with_gradients
from seedbed.recording.recorded_run import RecordedRun
from seedbed.runs.beginning import write_hydra_files
from seedbed.runs.checkpoint import Checkpoint
from seedbed.runs.directory import RunDirectory, begun_in_pack
from seedbed.runs.heartbeat import pulse
from seedbed.runs.layout import RunPaths
from seedbed.runs.moment import Moment
from seedbed.runs.pack_writer import PackWriter
from seedbed.runs.stored import packs_of
from seedbed.sweep.groups import starts_of
from seedbed.sweep.job import Job, Outcome, forget_checkpoints, job_directory
from seedbed.sweep.stack_end import Stack
from seedbed.training.calling import calling_of_stack
from seedbed.training.interrupt import stop_request
from seedbed.training.loop import train
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.resume import load_best
from seedbed.training.run_length import RunLength
from seedbed.training.training import Training

Step = Callable[[float, int], None]
"""Called after every step of a stack with the part that is done, and the runs still in it."""


def run_stack(
    stack: Stack, step: Step, note: Callable[[str], None], *, in_parallel: bool = True
) -> list[tuple[Job, Outcome]]:
    """Trains a stack's jobs; each with its outcome.

    Args:
        stack: that is to be trained.
        step: called after every step.
        note: called with what a person should know.
        in_parallel: whether a fork may write some of the files.

    Raises:
        KeyboardInterrupt: if the user asked twice to stop.
        BaseException: whatever the user's own model raises; the jobs are to be run singly then.
    """
    configs, snapshots = [job.config for job in stack.jobs], stack.group.snapshots
    plan = stack.plan or build_stack(
        configs,
        AllowList(configs[0].allow),
        known=dict(stack.known),
        written=stack.written,
        starts=starts_of(stack.group),
    )
    with contextlib.ExitStack() as held, stop_request() as stop:
        place = _Place(stack, held)
        with packs_of(stack.jobs[0].path.parent).steady():
            runs = [_recorded(job, plan.data[at], held, place) for at, job in enumerate(stack.jobs)]
        if snapshots is None:
            for run in runs:
                if not run.directory.is_new:
                    forget_checkpoints(run.directory)
        recorder = held.enter_context(
            DirectoryRecorder(
                plan.first,
                runs,
                threads=plan.threads,
                stop=stop,
                stack={"group": stack.number, "K": len(runs)},
                in_parallel=in_parallel and plan.may_fork,
                before=lambda at: write_hydra_files(stack.jobs[at].hydra, runs[at].directory),
            )
        )
        training = fused_training(plan, len(runs), Compiling(configs[0].sweep.compile, note))
        hears = with_gradients(StackReport(recorder, step, note), recorder.events, plan.first)
        paths = [run.directory.root for run in runs]
        hears = calling_of_stack(hears, training, configs, paths, plan.first.model)
        if snapshots is not None:
            best = [load_best(run.directory) for run in runs]
            training.restore(snapshots, [b or one for one, b in zip(snapshots, best, strict=True)])
        train(training, hears, stop, snapshots)
    results = [run.result or {} for run in runs]
    outcomes = [Outcome.of(one) for one in results]
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
        progress = training.progress
        self._steps = max(
            RunLength.of(one.trainer, progress.batches).steps for one in progress.configs
        )

    def step(self, training: Training) -> None:
        """See `Recorder`."""
        self._step(training.progress.step / self._steps, training.progress.num_active)

    def note(self, text: str) -> None:
        """See `Recorder`."""
        self._note(text)


class _Place:
    """Where the runs of a stack are written.

    Args:
        stack: that is trained. It tells the latest pack of its runs: packs are many, and each stack
            is not to read them all.
        held: closes the pack at its end, where there is one.
    """

    def __init__(self, stack: Stack, held: contextlib.ExitStack) -> None:
        self._now = Moment()
        self._packs, self._after = packs_of(stack.jobs[0].path.parent), stack.after
        self._goes_on = stack.group.snapshots is not None
        self._pack: PackWriter | None = None
        first = stack.jobs[0]
        heartbeat = RunPaths(first.path).status
        if first.config.sweep.layout == "packed":
            writer = PackWriter(first.path.parent, stack.number, stack.after)
            self._pack = held.enter_context(writer)
            heartbeat = self._pack.path
        held.enter_context(pulse(heartbeat, first.path.parent))

    def directory(self, job: Job) -> RunDirectory:
        """A job's own, or the pack in place of one: a directory that is there stays the run's."""
        if self._pack is None or job.path.exists():
            return job_directory(job, self._now)
        earlier = self._packs.of(job.path.name, self._after) if self._goes_on else None
        if earlier is not None:
            for name, content in earlier.whole_run(job.path.name):
                self._pack.write(job.path / name, content)
        return begun_in_pack(job.path, self._pack, self._now)


def _recorded(
    job: Job, data: PreparedData, held: contextlib.ExitStack, place: _Place
) -> RecordedRun:
    """The directory of a job, which is released at the end whatever happens."""
    directory = place.directory(job)
    held.callback(directory.release)
    return RecordedRun(job.config, directory, data, job.config.sweep.plot)
