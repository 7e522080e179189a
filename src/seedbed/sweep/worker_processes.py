"""Runs jobs in processes of their own, some at a time, so that a crash takes one job with it.

Nothing is shared between jobs. A signal is for this process to hear, which tells the workers.
"""

import signal
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection

from seedbed.process import signals, workers
from seedbed.process.cores import usable_cores
from seedbed.process.forkserver import workers_of_server
from seedbed.process.workers import Worker
from seedbed.sweep.job import Job, Outcome, run_job
from seedbed.training.interrupt import STEP_SECONDS, stop_request

PRELOADED = ("torch.optim.sgd", "seedbed.recording.run", "seedbed.training.build_run")

LAST_SECONDS = STEP_SECONDS + 10.0
"""How long a worker may take to end once it was told to; then it is killed."""


class WorkerLostError(Exception):
    """A worker process ended without a word."""


class WorkerProcesses:
    """An `Executor`: each job has a process.

    Args:
        workers: how many jobs run at a time; they share the cores.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._context = workers_of_server(PRELOADED)
        self._threads = max(1, usable_cores() // workers)
        self._running: dict[Future[Outcome], Worker] = {}
        signals.at_end.append(self._end_now)

    def submit(self, job: Job) -> "Future[Outcome]":
        """See `Executor`."""
        worker = workers.served(self._context, _work, (job, self._threads))
        future: Future[Outcome] = Future()
        self._running[future] = worker
        threading.Thread(target=self._await, args=(future, worker), daemon=True).start()
        return future

    def shutdown(self) -> None:
        """See `Executor`; a worker that takes too long is killed."""
        for worker in self._workers():
            with suppress(OSError):
                worker.pipe.send("stop")
        self._wait(LAST_SECONDS)
        for worker in self._workers():
            worker.kill()
        self._wait(LAST_SECONDS)
        signals.forget(self._end_now)

    def _await(self, future: "Future[Outcome]", worker: Worker) -> None:
        """Hears what a worker says, or how it died."""
        outcome: Outcome | None = None
        with suppress(EOFError, OSError):
            outcome = worker.pipe.recv()
        code = worker.end()
        if outcome is not None:
            future.set_result(outcome)
        else:
            why = f"the worker process died of {workers.death(code)}"
            future.set_exception(WorkerLostError(why))
        self._running.pop(future, None)

    def _workers(self) -> list[Worker]:
        return list(self._running.values())

    def _wait(self, seconds: float) -> None:
        """For futures that are not done; what a worker said last is heard."""
        until = time.monotonic() + seconds
        while self._running and time.monotonic() < until:
            time.sleep(0.01)

    def _end_now(self) -> None:
        """Has the workers end at once, each with a true status, and the server with them."""
        workers.end_now(self._workers())


def _work(pipe: Connection, job: Job, num_threads: int) -> None:
    """What a worker does.

    Args:
        pipe: to the sweep.
        job: to run.
        num_threads: that it may compute in.
    """
    import torch

    workers.begin()
    with stop_request() as stop:
        workers.obey(pipe, lambda: stop.wish(signal.SIGTERM))
        torch.set_num_threads(num_threads)
        outcome = run_job(job)
    pipe.send(outcome)
