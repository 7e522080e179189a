"""What a sweep says at its end: the best jobs, the settings over their seeds, and what failed."""

import shlex

from seedbed.cli.sweep_tables import best_folder, tables
from seedbed.cli.sweep_verdict import verdict_text
from seedbed.process import signals
from seedbed.process.exit_codes import DONE, RUN_FAILED
from seedbed.remote.places import shown
from seedbed.runs.status import Status
from seedbed.sweep.outcome import SweepState

MOST_UNSUCCESSFUL = 20
"""Jobs that are listed when they did not complete; of more, their number is told."""


def print_report(sweep: SweepState, monitor: str) -> int:
    """Prints how the sweep went; the exit code.

    Args:
        sweep: with the metrics of its jobs.
        monitor: `trainer.monitor`.
    """
    compared = tables(sweep.jobs, monitor)
    if compared:
        print(compared)
        print(verdict_text(sweep, monitor))
    best = best_folder(sweep.jobs, monitor)
    if best is not None:
        print(f"best run: {shlex.quote(f'{shown(sweep.directory)}/{best}')}")
    return print_end(sweep)


def print_end(sweep: SweepState) -> int:
    """Prints what did not complete, and where the sweep is; the exit code."""
    unsuccessful = sweep.unsuccessful
    if unsuccessful:
        print(f"{len(unsuccessful)} of {len(sweep.jobs)} jobs did not complete:")
        for job in unsuccessful[:MOST_UNSUCCESSFUL]:
            print(f"  {job.directory}: {job.status} {job.error or ''}".rstrip())
        if len(unsuccessful) > MOST_UNSUCCESSFUL:
            print(f"  and {len(unsuccessful) - MOST_UNSUCCESSFUL} more")
        print(f"to run these again: seedbed resume {shlex.quote(shown(sweep.directory))}")
    print(f"sweep: {shown(sweep.directory)}")
    cut_off = any(job.status == Status.INTERRUPTED for job in unsuccessful)
    stopped = signals.heard() or (cut_off and not sweep.ended_by_failure)
    if unsuccessful and stopped:
        return signals.exit_code()
    return RUN_FAILED if unsuccessful else DONE
