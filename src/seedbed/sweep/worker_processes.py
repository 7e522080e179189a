"""Runs jobs in processes of their own, some at a time, so that a crash takes one job with it.

Nothing is shared between jobs. A signal is for this process to hear, which tells the workers.
"""

import os
import signal
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from seedbed.process import forks, signals, streams
from seedbed.process.forkserver import server_pid, without_main_module, workers_of_server
from seedbed.sweep.job import Job, Outcome, run_job
from seedbed.training.interrupt import STEP_SECONDS, StopRequest, stop_request

PRELOADED = ("torch.optim.sgd", "seedbed.recording.run", "seedbed.training.run_components")

LAST_SECONDS = STEP_SECONDS + 10.0
"""How long a worker may take to end once it was told to; then it is killed."""


class WorkerLostError(Exception):
    """A worker process ended without a word."""


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    pipe: Connection


class WorkerProcesses:
    """An `Executor`: each job has a process.

    Args:
        workers: how many jobs run at a time; they share the cores.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._context = workers_of_server(PRELOADED)
        self._threads = max(1, (os.cpu_count() or 1) // workers)
        self._running: dict[Future[Outcome], _Worker] = {}
        signals.at_end.append(self._end_now)

    def submit(self, job: Job) -> "Future[Outcome]":
        """See `Executor`."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(job, dict(os.environ), self._threads, theirs)
        )
        with without_main_module():
            process.start()
        theirs.close()
        future: Future[Outcome] = Future()
        self._running[future] = worker = _Worker(process, ours)
        threading.Thread(target=self._await, args=(future, worker), daemon=True).start()
        return future

    def shutdown(self) -> None:
        """See `Executor`; a worker that takes too long is killed."""
        for worker in self._workers():
            with suppress(OSError):
                worker.pipe.send("stop")
        self._wait(LAST_SECONDS)
        for worker in self._workers():
            worker.process.kill()
        self._wait(LAST_SECONDS)
        signals.forget(self._end_now)

    def _await(self, future: "Future[Outcome]", worker: _Worker) -> None:
        """Hears what a worker says, or how it died."""
        outcome: Outcome | None = None
        with suppress(EOFError, OSError):
            outcome = worker.pipe.recv()
        worker.process.join()
        if outcome is not None:
            future.set_result(outcome)
        else:
            code = worker.process.exitcode or 0
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            future.set_exception(WorkerLostError(f"the worker process died of {how}"))
        self._running.pop(future, None)

    def _workers(self) -> list[_Worker]:
        return list(self._running.values())

    def _wait(self, seconds: float) -> None:
        """For futures that are not done; what a worker said last is heard."""
        until = time.monotonic() + seconds
        while self._running and time.monotonic() < until:
            time.sleep(0.01)

    def _end_now(self) -> None:
        """Has the workers end at once, each with a true status, and the server with them."""
        workers = self._workers()
        for worker in workers:
            with suppress(OSError):
                os.kill(worker.process.pid or 0, forks.STOP or signal.SIGTERM)
        until = time.monotonic() + forks.FORK_SECONDS
        for worker in workers:
            wait([worker.process.sentinel], max(0.0, until - time.monotonic()))
        for pid in [*(worker.process.pid for worker in workers), server_pid()]:
            if pid:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)


def _work(job: Job, variables: dict[str, str], num_threads: int, pipe: Connection) -> None:
    """What a worker does.

    Args:
        job: to run.
        variables: of the environment, which the server has as they were at its start.
        num_threads: that it may compute in.
        pipe: to the sweep.
    """
    import torch

    os.environ.clear()
    os.environ.update(variables)
    streams.guard()
    signals.take_over(quiet=True)
    if forks.STOP is not None:
        signal.signal(forks.STOP, lambda *_: signals.end(signal.SIGTERM))
    with stop_request() as stop:
        signals.unblock()
        threading.Thread(target=_listen, args=(pipe, stop), daemon=True).start()
        torch.set_num_threads(num_threads)
        outcome = run_job(job)
    pipe.send(outcome)


def _listen(pipe: Connection, stop: StopRequest) -> None:
    """Stops the run, with a checkpoint, when the sweep says so or its process was killed."""
    with suppress(EOFError, OSError):
        pipe.recv()
    stop.wish(signal.SIGTERM)
