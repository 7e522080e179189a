"""Runs jobs in processes of their own, some at a time, so that a crash takes one job with it.

A server process imports torch once and forks for each job; forking is a matter of milliseconds, and
nothing is shared between jobs. A signal is for this process to hear, which tells the workers.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from seedbed.errors import RunDirectoryError
from seedbed.process import signals, streams
from seedbed.runs.directory import reclaim
from seedbed.runs.layout import RunPaths
from seedbed.sweep.job import Job, Outcome, earlier_outcome, run_job
from seedbed.training.interrupt import STEP_SECONDS, StopRequest, stop_request

PRELOADED = ["torch.optim.sgd", "seedbed.training.run", "seedbed.training.plan"]

LOOK_SECONDS = 0.2
"""Between two looks whether to stop."""

LAST_SECONDS = STEP_SECONDS + 10.0
"""How long a worker may take to end once it was told to; then it is killed."""

Ended = list[tuple[Job, Outcome]]


@dataclass(frozen=True)
class _Worker:
    job: Job
    process: BaseProcess
    pipe: Connection


def run_in_pool(jobs: Sequence[Job], workers: int) -> Iterator[Ended]:
    """Yields jobs as they end; those that a signal stops, together.

    Args:
        jobs: in the order in which they are started.
        workers: how many run at a time; they share the cores.
    """
    with stop_request() as stop:
        pool = _Pool(jobs, workers, stop)
        with signals.done_at_end(pool.end):
            try:
                yield from pool.outcomes()
            finally:
                pool.stopped()


class _Pool:
    def __init__(self, jobs: Sequence[Job], workers: int, stop: StopRequest) -> None:
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PRELOADED)
        self.waiting = list(reversed(jobs))
        self.workers = workers
        self.threads = max(1, (os.cpu_count() or 1) // workers)
        self.stop = stop
        self.running: dict[Connection, _Worker] = {}

    def outcomes(self) -> Iterator[Ended]:
        """Jobs as they end, until all have or the user asks to stop."""
        _start_server()
        while not self.stop.requested and (self.waiting or self.running):
            while self.waiting and len(self.running) < self.workers and not self.stop.requested:
                self._start(self.waiting.pop())
            for pipe in wait(list(self.running), LOOK_SECONDS):
                yield [self._told(pipe)]
        stopped = self.stopped()
        if stopped:
            yield stopped

    def _start(self, job: Job) -> None:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_work, args=(job, self.threads, theirs))
        process.start()
        theirs.close()
        self.running[ours] = _Worker(job, process, ours)

    def stopped(self) -> Ended:
        """Tells the workers to stop, and waits for them; each ends after its step."""
        for worker in self.running.values():
            with suppress(OSError):
                worker.pipe.send("stop")
        ended = []
        until = time.monotonic() + LAST_SECONDS
        while self.running:
            for pipe in wait(list(self.running), max(0.0, until - time.monotonic())):
                ended.append(self._told(pipe, stopped=True))
            if time.monotonic() >= until:
                for worker in self.running.values():
                    worker.process.kill()
                until += LAST_SECONDS
        return ended

    def end(self) -> None:
        """Has the workers end at once, each with a true status, and the server with them."""
        workers = list(self.running.values())
        for worker in workers:
            with suppress(OSError):
                os.kill(worker.process.pid or 0, signals.STOP or signal.SIGTERM)
        until = time.monotonic() + signals.FORK_SECONDS
        for worker in workers:
            wait([worker.process.sentinel], max(0.0, until - time.monotonic()))
        server = getattr(forkserver._forkserver, "_forkserver_pid", None)
        for pid in [*(worker.process.pid for worker in workers), server]:
            if pid:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def _told(self, pipe: object, *, stopped: bool = False) -> tuple[Job, Outcome]:
        """What a worker sent, or how it died."""
        assert isinstance(pipe, Connection)
        worker = self.running.pop(pipe)
        with suppress(EOFError, OSError):
            outcome: Outcome = pipe.recv()
            worker.process.join()
            return worker.job, outcome
        worker.process.join()
        return worker.job, _death(worker, stopped=stopped)


def _death(worker: _Worker, *, stopped: bool) -> Outcome:
    """How the job of a worker ended that said nothing, or had no time to; noted in its run."""
    found = earlier_outcome(worker.job.path)
    if found is not None and found.status != "running" and (stopped or found.status == "completed"):
        return found
    code = worker.process.exitcode or 0
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    status = "interrupted" if stopped else "failed"
    outcome = Outcome(status, f"the worker process died of {how}")
    with suppress(RunDirectoryError):
        directory = reclaim(RunPaths(worker.job.path))
        directory.write_status("interrupted" if stopped else "failed", outcome.error)
        directory.release()
    return outcome


def _start_server() -> None:
    """Starts the server, and what multiprocessing has beside it, where no signal reaches them.

    A signal to all processes of a terminal would end the server while it imports torch.
    """
    with signals.blocked():
        resource_tracker.ensure_running()
    with signals.blocked():  # once more: starting that one let them through
        forkserver.ensure_running()


def _work(job: Job, threads: int, pipe: Connection) -> None:
    """What a worker does."""
    import torch

    streams.guard()
    signals.take_over(quiet=True)
    if signals.STOP is not None:
        signal.signal(signals.STOP, lambda *_: signals.end(signal.SIGTERM))
    with stop_request() as stop:
        signals.unblock()
        threading.Thread(target=_listen, args=(pipe, stop), daemon=True).start()
        torch.set_num_threads(threads)
        outcome = run_job(job)
    pipe.send(outcome)


def _listen(pipe: Connection, stop: StopRequest) -> None:
    """Stops the run, with a checkpoint, when the sweep says so or its process was killed."""
    with suppress(EOFError, OSError):
        pipe.recv()
    stop.wish(signal.SIGTERM)
