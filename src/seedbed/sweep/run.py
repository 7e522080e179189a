"""Runs the jobs of a sweep: those of one shape together, the others one by one or in processes."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from seedbed.config.schema import SweepConfig
from seedbed.errors import SeedbedError
from seedbed.sweep.groups import Group, Singles, grouped
from seedbed.sweep.job import Job, Outcome, earlier_outcome, run_job
from seedbed.sweep.outcome import JobRecord, Sweep
from seedbed.sweep.pool import run_in_pool
from seedbed.sweep.progress import SweepProgress

if TYPE_CHECKING:
    from seedbed.training.fused.plan import StackPlan

log = logging.getLogger("seedbed")

Ended = Iterator[tuple[Job, Outcome]]


def run_jobs(
    sweep: Sweep, jobs: Sequence[Job], settings: SweepConfig, progress: SweepProgress
) -> None:
    """Runs jobs of a sweep, and records them.

    Args:
        sweep: its records are changed in place.
        jobs: those to be run.
        settings: the group `sweep` of the config.
        progress: hears of what is done.
    """
    by_number = {record.number: record for record in sweep.jobs}
    sweep.write_jobs()
    progress.started(len(sweep.jobs), len(jobs))
    try:
        for job, outcome in _Outcomes(sweep, jobs, settings, progress):
            record = by_number[job.number]
            _note(record, outcome)
            sweep.write_jobs(now=False)
            progress.job_ended(record)
            failed = outcome.status != "completed"
            if outcome.status == "interrupted" or (settings.on_error == "stop" and failed):
                break
    finally:
        progress.ended()
        sweep.write_jobs()
        sweep.write_table()


def left_to_run(sweep: Sweep) -> list[JobRecord]:
    """The jobs that have not completed, by what their own directories say; notes the others."""
    left = []
    for record in sweep.jobs:
        outcome = earlier_outcome(sweep.directory / record.directory)
        _note(record, outcome or Outcome("pending"))
        if record.status != "completed":
            left.append(record)
    return left


class _Outcomes:
    """Runs jobs in the way that suits them; iterating gives each job as it ends."""

    def __init__(
        self, sweep: Sweep, jobs: Sequence[Job], settings: SweepConfig, progress: SweepProgress
    ) -> None:
        self.sweep = sweep
        self.settings = settings
        self.progress = progress
        self.records = {record.number: record for record in sweep.jobs}
        self.groups, self.singles = grouped(jobs, settings.fuse)

    def __iter__(self) -> Ended:
        for group in self.groups:
            yield from self._group(group)
        for single in self.singles:
            if single.reason:
                self.progress.note(single.note)
        jobs = sorted((job for one in self.singles for job in one.jobs), key=lambda job: job.number)
        workers = self.settings.workers
        yield from run_in_pool(jobs, workers) if workers and jobs else _one_by_one(jobs)

    def _group(self, group: Group) -> Ended:
        # Imported here: a sweep that is not fused does without.
        from seedbed.sweep.stacks import chosen, stacks_of

        settings = self.settings
        randomness = settings.randomness
        try:
            choice = chosen(
                group, fuse=settings.fuse, randomness=randomness, workers=settings.workers
            )
        except SeedbedError:
            self.singles.append(Singles(group.jobs, ""))  # each says what is wrong with it
            return
        except KeyboardInterrupt:
            raise
        except BaseException as err:  # sys.exit in a user's model too
            self.singles.append(Singles(group.jobs, _stopped_with(err)))
            return
        if choice.reason:
            self.singles.append(Singles(group.jobs, choice.reason))
            return
        plan = choice.plan
        for stack in stacks_of(group, choice.width):
            yield from self._stack(stack, plan)
            plan = None

    def _stack(self, stack: Group, plan: "StackPlan | None") -> Ended:
        from seedbed.sweep.stacks import run_stack

        number = 1 + max((one.group or 0 for one in self.sweep.jobs), default=0)
        for job in stack.jobs:
            self.records[job.number].group = number
        self.sweep.write_jobs()
        self.progress.stack_started(number, len(stack.jobs))
        left = {job.number: job for job in stack.jobs}
        try:
            for job, outcome in run_stack(
                stack,
                number,
                plan,
                randomness=self.settings.randomness,
                step=self.progress.stack_step,
            ):
                del left[job.number]
                yield job, outcome
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as err:  # sys.exit in a user's model too
            log.info("a stack failed", exc_info=True)
            self.singles.append(Singles(list(left.values()), _stopped_with(err)))
            for number_ in left:
                self.records[number_].group = None


def _stopped_with(err: BaseException) -> str:
    return "together they stopped with " + " ".join(f"{type(err).__name__}: {err}".split())[:120]


def _one_by_one(jobs: Iterable[Job]) -> Ended:
    for job in jobs:
        yield job, run_job(job)


def _note(record: JobRecord, outcome: Outcome) -> None:
    record.status, record.error, record.metrics = outcome.status, outcome.error, outcome.metrics
