"""Runs jobs in the way that suits them: in stacks, one by one, or in processes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from seedbed.errors import RunTakenError, SeedbedError
from seedbed.fused.rows import NotAlikeError
from seedbed.process.cores import usable_cores
from seedbed.process.freeing import freed
from seedbed.raised import reason
from seedbed.runs.heartbeat import beat
from seedbed.runs.keepsake import put_back_unless_running
from seedbed.runs.layout import RunPaths
from seedbed.runs.status import Status
from seedbed.runs.stored import numbers_of_packs, packs_of
from seedbed.sweep.choice import chosen, stacks_of
from seedbed.sweep.clusters.choice import cluster_of
from seedbed.sweep.executors import Executor, ThisProcess, lost, run_on
from seedbed.sweep.groups import Group, Unfused, grouped, latest_of, merged_by_reason
from seedbed.sweep.job import Job, Outcome, earlier_outcome
from seedbed.sweep.outcome import SweepState
from seedbed.sweep.progress import SweepProgress
from seedbed.sweep.same_rows import of_same_rows
from seedbed.sweep.stack_end import Stack, StackEnd, StackExecutor
from seedbed.sweep.stack_processes import StackProcesses
from seedbed.sweep.stacks import run_stack
from seedbed.sweep.worker_processes import WorkerProcesses
from seedbed.training.interrupt import stop_request

Ended = Iterator[list[tuple[Job, Outcome]]]
"""Jobs that ended together, and how."""

TASKS_A_SLOT = 4
"""Into how many tasks jobs are sorted that do not train together, for each that runs at a time."""

MOST_DEATHS = 2
"""Processes that may die of one stack; then its jobs run singly."""


class Execution:
    """Sorts the jobs of a sweep, and runs them.

    Args:
        sweep, jobs, progress, executor: as in `run_jobs`.
    """

    def __init__(
        self,
        sweep: SweepState,
        jobs: Sequence[Job],
        progress: SweepProgress,
        executor: Executor | None,
    ) -> None:
        self.sweep = sweep
        self.settings = settings = jobs[0].config.sweep
        self.progress = progress
        self.executor = executor
        self.records = {record.number: record for record in sweep.jobs}
        self.cores = usable_cores()
        self.cluster = cluster_of(settings, sweep.directory, progress, self.note, self._over)
        self._noted: set[str] = set()
        self._ending = False
        self._deadly: set[int] = set()
        if settings.processes > self.cores:
            self.note(
                f"sweep.workers={settings.processes} is more than the {self.cores} cores that "
                "there are; the processes share them"
            )
        self._last_number = max((record.group or 0 for record in sweep.jobs), default=0)
        with packs_of(sweep.directory).steady():
            self.groups, self.unfused = grouped(jobs, settings.fuse, self.note)
            self._packed = self._numbers_of_packs(jobs)

    def _numbers_of_packs(self, jobs: Sequence[Job]) -> dict[str, int]:
        return numbers_of_packs(self.sweep.directory, (job.path.name for job in jobs))

    def note(self, text: str) -> None:
        """Says it once, whoever says it again."""
        if text not in self._noted:
            self._noted.add(text)
            self.progress.note(text)

    def end(self) -> None:
        """No other job starts, and stacks that train end after their step."""
        self._ending = True

    def _over(self) -> bool:
        """Whether no more is to be started; asked now and then while others train.

        Raises:
            RunTakenError: if another process has gone on with the sweep.
        """
        beat()
        return self._ending or self.stop.requested

    def outcomes(self) -> Ended:
        """Runs the jobs, and yields those that end."""
        with stop_request() as self.stop:
            try:
                yield from self._stacks()
                yield from self._single_jobs()
            finally:
                if self.cluster is not None:
                    self.cluster.close()

    def _single_jobs(self) -> Ended:
        if self._over():
            return
        for one in merged_by_reason(self.unfused):
            if one.reason:
                self.note(one.note)
        jobs = sorted((job for one in self.unfused for job in one.jobs), key=lambda job: job.number)
        if self.cluster is not None and self.executor is None:
            yield from self._single_tasks(jobs, self.cluster)
            return
        number = self.settings.processes
        safe = [job for job in jobs if job.number not in self._deadly or number or self.executor]
        deadly = [job for job in jobs if job.number in self._deadly and job not in safe]
        for some, workers in ((safe, number), (deadly, 1)):
            if some and not self._over():
                own = WorkerProcesses(workers) if workers and not self.executor else ThisProcess()
                for ended in run_on(self.executor or own, some):
                    yield ended
                    if self._ending:
                        return

    def _single_tasks(self, jobs: Sequence[Job], cluster: StackExecutor) -> Ended:
        """Jobs that do not train together, as tasks of a cluster."""
        each = math.ceil(len(jobs) / (TASKS_A_SLOT * cluster.slots)) or 1
        parts = [jobs[start : start + each] for start in range(0, len(jobs), each)]
        tasks = (Stack(Group(list(part), None), 0, here=False, alone=True) for part in parts)
        for task, end in cluster.run(tasks, self._here):
            left = self._left(task)
            if end.kind == "died" and task.died + 1 < MOST_DEATHS and not self._over():
                self.note(f"a task was lost: {end.why}; its jobs begin again, each on its own")
                yield self._completed(task)
                for job in left:
                    cluster.again(replace(task, group=Group([job], None), died=task.died + 1))
            elif end.kind == "ended":
                yield end.outcomes
            else:
                yield self._completed(task)
                stopped = end.kind == "stopped" or self._over()
                yield [(job, lost(job, end.why, stopped=stopped)) for job in left]

    def _stacks(self) -> Ended:
        processes = self.cluster or StackProcesses(
            self.settings, self.progress, self.note, self._over
        )
        self.slots = processes.slots
        for stack, end in processes.run(self._planned(), self._here):
            yield from self._ended(stack, end, processes)
            self.progress.stack_ended(stack.number)

    def _ended(self, stack: Stack, end: StackEnd, processes: StackExecutor) -> Ended:
        if end.kind == "ended":
            yield end.outcomes
        elif end.kind == "taken":
            raise RunTakenError(end.why)
        elif end.kind == "late":
            yield [(job, lost(job, end.why, stopped=False)) for job in stack.jobs]
        elif end.kind == "raised":
            yield from self._singly(stack, f"together they stopped with {end.why}")
        elif end.kind == "stopped" or self._over():
            yield [(job, lost(job, end.why, stopped=True)) for job in stack.jobs]
        else:
            yield from self._died(stack, end.why, processes)

    def _planned(self) -> Iterator[Stack]:
        """The stacks of all groups, each group looked at when it is its turn."""
        self.groups, alone = of_same_rows(self.groups)
        self.unfused += alone
        for group in self.groups:
            yield from self._stacks_of(group)

    def _stacks_of(self, group: Group) -> Iterator[Stack]:
        reason_not: str | None
        try:
            choice = chosen(group, cores=self.slots, on_cluster=self.cluster is not None)
            reason_not = choice.reason
        except SeedbedError:
            reason_not = ""  # each says what is wrong with it
        except NotAlikeError as err:
            reason_not = str(err)
        except KeyboardInterrupt:
            raise
        except BaseException as err:  # sys.exit in a user's model too
            reason_not = f"together they stopped with {reason(err)}"
        if reason_not is not None:
            self.unfused.append(Unfused(group.jobs, reason_not))
            return
        parts = list(stacks_of(group, choice.stack_size))
        one_alone = self.settings.workers == "auto" and len(parts) == len(self.groups) == 1
        plan, number = choice.plan, self._last_number + 1
        stacks = [
            Stack(
                part,
                number + at,
                here=one_alone or not choice.on_cpu,
                seconds=choice.seconds * len(part.jobs),
                bytes=choice.bytes * len(part.jobs),
                threads=choice.threads,
                known=choice.known,
                written=choice.written,
                after=latest_of(part.jobs, self._packed),
            )
            for at, part in enumerate(parts)
        ]
        del choice
        self._note_stacks(stacks)
        for stack in stacks:
            yield replace(stack, plan=plan)
            plan = None

    def _note_stacks(self, stacks: Sequence[Stack]) -> None:
        """Tells which jobs train together, later ones too: a killed sweep goes on with the same."""
        for stack in stacks:
            for job in stack.jobs:
                self.records[job.number].group = stack.number
            self._last_number = max(self._last_number, stack.number)
        self.sweep.write_jobs()

    def _here(self, stack: Stack) -> StackEnd:
        """Trains it in this process."""
        self.progress.stack_started(stack.number, len(stack.jobs))
        with freed():
            try:
                outcomes = run_stack(
                    stack,
                    step=lambda done, runs: self.progress.stack_step(stack.number, done, runs),
                    note=self.note,
                )
            except (KeyboardInterrupt, GeneratorExit, RunTakenError):
                raise
            except BaseException as err:  # sys.exit in a user's model too
                if self.stop.requested:  # what is interrupted may raise anything
                    raise KeyboardInterrupt from err
                return StackEnd("raised", why=reason(err))
        return StackEnd("ended", outcomes)

    def _died(self, stack: Stack, why: str, processes: StackExecutor) -> Ended:
        """Those that are not complete go on together from their checkpoints, once; then singly."""
        for job in stack.jobs:
            put_back_unless_running(RunPaths(job.path))
        if stack.died + 1 >= MOST_DEATHS:
            self._deadly |= {job.number for job in stack.jobs}
            yield from self._singly(stack, f"the process that trained them died of {why} again")
            return
        yield self._completed(stack)
        left = self._left(stack)
        self.note(
            f"the process that trained {len(stack.jobs)} jobs died of {why}; they train again"
        )
        jobs = [replace(job, stack=stack.number) for job in left]
        packed = self._numbers_of_packs(jobs)
        for group in grouped(jobs, "always", self.note)[0]:
            again = replace(
                stack,
                group=group,
                number=self._last_number + 1,
                plan=None,
                died=stack.died + 1,
                after=latest_of(group.jobs, packed),
            )
            self._note_stacks([again])
            processes.again(again)

    def _singly(self, stack: Stack, why: str) -> Ended:
        yield self._completed(stack)
        left = self._left(stack)
        anew = "; they begin anew" if stack.group.snapshots is not None else ""
        self.unfused.append(Unfused(left, f"{why}{anew}"))
        for job in left:
            self.records[job.number].group = None

    def _completed(self, stack: Stack) -> list[tuple[Job, Outcome]]:
        ended = [(job, earlier_outcome(job.path)) for job in stack.jobs]
        return [(job, one) for job, one in ended if one and one.status == Status.COMPLETED]

    def _left(self, stack: Stack) -> list[Job]:
        complete = {job.number for job, _ in self._completed(stack)}
        return [job for job in stack.jobs if job.number not in complete]
