"""Runs jobs in processes of their own, some at a time, so that a crash takes one job with it.

A server process imports torch once and forks for each job; forking is a matter of milliseconds, and
nothing is shared between jobs.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from seedbed.errors import RunDirectoryError
from seedbed.runs.directory import reclaim
from seedbed.runs.layout import RunPaths
from seedbed.sweep.job import Job, Outcome, run_job

PRELOADED = ["torch.optim.sgd", "seedbed.training.run", "seedbed.training.plan"]


def run_in_pool(jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Outcome]]:
    """Yields each job as it ends.

    Args:
        jobs: in the order in which they are started.
        workers: how many run at a time; they share the cores.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    threads = max(1, (os.cpu_count() or 1) // workers)
    waiting = list(reversed(jobs))
    running: dict[Connection, tuple[Job, BaseProcess]] = {}
    process: BaseProcess
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.pop()
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(job, threads, theirs))
                process.start()
                theirs.close()
                running[ours] = (job, process)
            for pipe in wait(list(running)):
                assert isinstance(pipe, Connection)
                job, process = running.pop(pipe)
                yield job, _told(job, process, pipe)
    finally:
        for _, process in running.values():
            process.terminate()  # SIGTERM: the run ends after its step, with a checkpoint
        for _, process in running.values():
            process.join()


def _work(job: Job, threads: int, pipe: Connection) -> None:
    """What a worker does."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which tells us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    pipe.send(run_job(job))


def _end_with_parent() -> None:
    """Stops the run, with a checkpoint, when the sweep's process was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _told(job: Job, process: BaseProcess, pipe: Connection) -> Outcome:
    """What the worker sent, or how it died."""
    with suppress(EOFError, OSError):
        outcome: Outcome = pipe.recv()
        process.join()
        return outcome
    process.join()
    code = process.exitcode or 0
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    outcome = Outcome("failed", f"the worker process died of {how}")
    with suppress(RunDirectoryError):
        directory = reclaim(RunPaths(job.path))
        directory.write_status("failed", outcome.error)
        directory.release()
    return outcome
