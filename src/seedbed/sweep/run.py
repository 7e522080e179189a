"""Runs the jobs of a sweep, and keeps its list and its table."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from seedbed.process import signals
from seedbed.runs.keepsake import put_back_unless_running
from seedbed.runs.layout import RunPaths
from seedbed.runs.status import Status
from seedbed.runs.stored import packs_of
from seedbed.sweep.job import Job, Outcome, earlier_outcome
from seedbed.sweep.outcome import JobState, SweepState
from seedbed.sweep.progress import SweepProgress

if TYPE_CHECKING:
    from seedbed.sweep.executors import Executor


def run_jobs(
    sweep: SweepState,
    jobs: Sequence[Job],
    progress: SweepProgress,
    opened: Callable[[], None],
    executor: "Executor | None",
) -> None:
    """Runs jobs of a sweep, and records them.

    Args:
        sweep: its records are changed in place.
        jobs: those to be run; the group `sweep` is the same in the config of each.
        progress: hears of what is done.
        opened: called once the checkpoints are read that decide what trains together.
        executor: where those run that do not train together; None for what the settings say.
    """
    # Imported here: these bring torch, and a sweep with a mistake in it is answered before.
    from seedbed.sweep.execution import Execution
    from seedbed.training.interrupt import stop_request

    sweep.write_jobs()
    progress.started(len(sweep.jobs), len(jobs))
    with stop_request() as stop, signals.done_at_end(sweep.write_all):
        try:
            execution = Execution(sweep, jobs, progress, executor)
            opened()
            for ended in execution.outcomes():
                for job, outcome in ended:
                    for note in outcome.notes:
                        execution.note(note)
                    record = execution.records[job.number]
                    _note(record, outcome)
                    progress.job_ended(record)
                sweep.write_jobs(now=False)
                statuses = {outcome.status for _, outcome in ended}
                failed = statuses - {Status.COMPLETED, Status.INTERRUPTED}
                if jobs[0].config.sweep.on_error == "stop" and failed:
                    sweep.ended_by_failure = not stop.requested
                if Status.INTERRUPTED in statuses or sweep.ended_by_failure:
                    execution.end()
        finally:
            progress.ended()
            sweep.write_all()


def left_to_run(sweep: SweepState) -> list[JobState]:
    """The jobs that have not completed, by what their own directories say; notes the others."""
    left = []
    with packs_of(sweep.directory).steady():
        for record in sweep.jobs:
            put_back_unless_running(RunPaths(sweep.directory / record.directory))
            outcome = earlier_outcome(sweep.directory / record.directory)
            _note(record, outcome or Outcome(Status.PENDING))
            if record.status != Status.COMPLETED:
                left.append(record)
    return left


def _note(record: JobState, outcome: Outcome) -> None:
    record.status, record.error, record.metrics = outcome.status, outcome.error, outcome.metrics
    record.higher_is_better = outcome.higher_is_better
