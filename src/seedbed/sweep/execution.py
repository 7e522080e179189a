"""Runs jobs in the way that suits them: in stacks, one by one, or in processes."""

import gc
from collections.abc import Iterator, Sequence

from seedbed.config.schema import SweepConfig
from seedbed.errors import SeedbedError
from seedbed.fused.rows import NotAlikeError
from seedbed.fused.stack_components import StackComponents
from seedbed.raised import reason
from seedbed.runs.status import Status
from seedbed.sweep.executors import Executor, ThisProcess, run_on
from seedbed.sweep.groups import Group, Unfused, grouped, merged_by_reason
from seedbed.sweep.job import Job, Outcome, earlier_outcome
from seedbed.sweep.outcome import SweepState
from seedbed.sweep.progress import SweepProgress
from seedbed.sweep.stacks import chosen, run_stack, stacks_of
from seedbed.sweep.worker_processes import WorkerProcesses
from seedbed.training.interrupt import stop_request

Ended = Iterator[list[tuple[Job, Outcome]]]
"""Jobs that ended together, and how."""


class Execution:
    """Sorts the jobs of a sweep, and runs them.

    Args:
        sweep, jobs, settings, progress, executor: as in `run_jobs`.
    """

    def __init__(
        self,
        sweep: SweepState,
        jobs: Sequence[Job],
        settings: SweepConfig,
        progress: SweepProgress,
        executor: Executor | None = None,
    ) -> None:
        self.sweep = sweep
        self.settings = settings
        self.progress = progress
        self.executor = executor
        self.records = {record.number: record for record in sweep.jobs}
        self.groups, self.unfused = grouped(jobs, settings.fuse, progress.note)

    def outcomes(self) -> Ended:
        """Runs the jobs, and yields those that end."""
        with stop_request() as self.stop:
            for group in self.groups:
                if not self.stop.requested:
                    yield from self._group(group)
            if not self.stop.requested:
                yield from self._single_jobs()

    def _single_jobs(self) -> Ended:
        for one in merged_by_reason(self.unfused):
            if one.reason:
                self.progress.note(one.note)
        jobs = sorted((job for one in self.unfused for job in one.jobs), key=lambda job: job.number)
        if jobs:
            workers = self.settings.workers
            own = WorkerProcesses(workers) if workers and not self.executor else ThisProcess()
            yield from run_on(self.executor or own, jobs)

    def _group(self, group: Group) -> Ended:
        settings = self.settings
        randomness = settings.randomness
        try:
            choice = chosen(
                group, fuse=settings.fuse, randomness=randomness, workers=settings.workers
            )
            reason_not = choice.reason
        except SeedbedError:
            reason_not = ""  # each says what is wrong with it
        except NotAlikeError as err:
            reason_not = str(err)
        except KeyboardInterrupt:
            raise
        except BaseException as err:  # sys.exit in a user's model too
            reason_not = _stopped_with(err)
        if reason_not is not None:
            self.unfused.append(Unfused(group.jobs, reason_not))
            return
        stack_size, plan = choice.stack_size, choice.plan
        del choice
        for stack in stacks_of(group, stack_size):
            if self.stop.requested:
                return
            yield from self._stack(stack, plan)
            plan = None
            gc.collect()  # a step that is written out holds itself, and the model with it

    def _stack(self, stack: Group, plan: StackComponents | None) -> Ended:
        number = 1 + max((one.group or 0 for one in self.sweep.jobs), default=0)
        for job in stack.jobs:
            self.records[job.number].group = number
        self.sweep.write_jobs()
        self.progress.stack_started(number, len(stack.jobs))
        try:
            yield run_stack(
                stack,
                number,
                plan,
                randomness=self.settings.randomness,
                step=self.progress.stack_step,
                note=self.progress.note,
            )
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as err:  # sys.exit in a user's model too
            if self.stop.requested:  # what is interrupted may raise anything
                raise KeyboardInterrupt from err
            ended = [(job, earlier_outcome(job.path)) for job in stack.jobs]
            yield [(job, one) for job, one in ended if one and one.status == Status.COMPLETED]
            left = [job for job, one in ended if one is None or one.status != Status.COMPLETED]
            anew = "; they begin anew" if stack.snapshots is not None else ""
            self.unfused.append(Unfused(left, _stopped_with(err) + anew))
            for job in left:
                self.records[job.number].group = None


def _stopped_with(err: BaseException) -> str:
    return f"together they stopped with {reason(err)}"
