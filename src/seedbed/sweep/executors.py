"""Where the jobs of a sweep run that do not train together: the protocol, and this process.

A job is data: paths and resolved configs, which can be pickled and cross a process or a network.
`run_job` runs it there. `seedbed.sweep(..., executor=...)` takes an executor of your own.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from typing import Protocol

from seedbed.errors import RunDirectoryError
from seedbed.runs.directory import reclaim
from seedbed.runs.heartbeat import beat
from seedbed.runs.layout import RunPaths
from seedbed.runs.status import Status
from seedbed.sweep.job import Job, Outcome, earlier_outcome, run_job
from seedbed.training.interrupt import stop_request

LOOK_SECONDS = 0.2
"""Between two looks whether to stop."""

Ended = list[tuple[Job, Outcome]]


class Executor(Protocol):
    """Runs jobs somewhere; in one process one at a time, whose generators and flags a run sets.

    Attributes:
        workers: how many jobs it takes at a time.
    """

    workers: int

    def submit(self, job: Job) -> "Future[Outcome]":
        """Has `run_job(job)` called.

        Returns:
            Its outcome, some time; an exception where whoever ran the job is lost.
        """
        ...

    def shutdown(self) -> None:
        """Has jobs that still run stop after their step, and waits; may be called twice."""
        ...


class ThisProcess:
    """Runs a job at once, and is done with it when `submit` returns."""

    workers = 1

    def submit(self, job: Job) -> "Future[Outcome]":
        """See `Executor`."""
        future: Future[Outcome] = Future()
        future.set_result(run_job(job))
        return future

    def shutdown(self) -> None:
        """Nothing runs any more."""


def run_on(executor: Executor, jobs: Sequence[Job]) -> Iterator[Ended]:
    """Yields jobs as they end; those that a signal stops, together.

    Args:
        executor: shut down at the end.
        jobs: in the order in which they are submitted.
    """
    waiting, running = deque(jobs), dict[Future[Outcome], Job]()
    with stop_request() as stop:
        try:
            while not stop.requested and (waiting or running):
                while waiting and len(running) < executor.workers and not stop.requested:
                    job = waiting.popleft()
                    running[executor.submit(job)] = job
                done, _ = wait(running, LOOK_SECONDS, FIRST_COMPLETED)
                beat()  # that of the sweep
                for future in done:
                    yield [_ended(running.pop(future), future, stopped=False)]
        finally:
            executor.shutdown()
        if running:
            yield [_ended(job, future, stopped=True) for future, job in running.items()]


def _ended(job: Job, future: "Future[Outcome]", *, stopped: bool) -> tuple[Job, Outcome]:
    try:
        return job, future.result(timeout=0)
    except Exception as err:
        return job, lost(job, str(err) or type(err).__name__, stopped=stopped)


def lost(job: Job, why: str, *, stopped: bool) -> Outcome:
    """How a job ended whose worker said nothing, or had no time to; noted in its run."""
    earlier = earlier_outcome(job.path)
    if (
        earlier is not None
        and earlier.status != Status.RUNNING
        and (stopped or earlier.status == Status.COMPLETED)
    ):
        return earlier
    status = Status.INTERRUPTED if stopped else Status.FAILED
    with suppress(RunDirectoryError, OSError):  # it may have had no time to make its directory
        directory = reclaim(RunPaths(job.path))
        directory.write_status(status, why)
        directory.release()
    return Outcome(status, why)
