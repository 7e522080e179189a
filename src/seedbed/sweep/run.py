"""Runs the jobs of a sweep, in this process or in several."""

from collections.abc import Callable, Iterator, Sequence

from seedbed.sweep.job import Job, Outcome, earlier_outcome, run_job
from seedbed.sweep.outcome import JobRecord, Sweep
from seedbed.sweep.pool import run_in_pool


def run_jobs(
    sweep: Sweep,
    jobs: Sequence[Job],
    *,
    workers: int,
    stop_on_error: bool,
    said: Callable[[JobRecord], None],
) -> None:
    """Runs jobs of a sweep, and records them.

    Args:
        sweep: its records are changed in place.
        jobs: those to be run.
        workers: processes; 0 runs the jobs in this one, where a crash ends the sweep.
        stop_on_error: whether a job that does not complete ends the sweep.
        said: called with the record of each job that ends.
    """
    by_number = {record.number: record for record in sweep.jobs}
    sweep.write_jobs()
    try:
        for job, outcome in run_in_pool(jobs, workers) if workers else _one_by_one(jobs):
            record = by_number[job.number]
            _note(record, outcome)
            sweep.write_jobs(now=False)
            said(record)
            if outcome.status == "interrupted" or (stop_on_error and outcome.status != "completed"):
                break
    finally:
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


def _one_by_one(jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
    for job in jobs:
        yield job, run_job(job)


def _note(record: JobRecord, outcome: Outcome) -> None:
    record.status, record.error, record.metrics = outcome.status, outcome.error, outcome.metrics
