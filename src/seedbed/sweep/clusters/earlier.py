"""Tasks of an earlier start of a sweep, whose own process is gone: they end before it goes on."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from seedbed.errors import DirectoryTakenError, RunDirectoryError
from seedbed.runs.layout import SWEEP_TASKS
from seedbed.runs.living import is_being_made
from seedbed.runs.stored import packs_of
from seedbed.sweep.clusters.task import TaskFiles
from seedbed.sweep.outcome import JobState, SweepState

LAST_SECONDS = 60.0
"""How long they may take: for their step, and for a heartbeat that comes no more."""


def end_earlier_tasks(sweep: SweepState, say: Callable[[str], object]) -> None:
    """Has tasks end after their step that still run; those that wait find nothing to do.

    Args:
        sweep: that this process has locked.
        say: called with a line if there are any that run.

    Raises:
        RunDirectoryError: if the folder of the tasks is a link.
        DirectoryTakenError: if they do not end.
    """
    above = sweep.directory / SWEEP_TASKS
    if above.is_symlink():
        raise RunDirectoryError(f"'{above}' is a link, and tasks are read from it; remove it")
    if not above.is_dir():
        return
    folders = [path for path in above.iterdir() if path.is_dir() and not path.is_symlink()]
    for folder in folders:
        with suppress(OSError):
            TaskFiles(folder, "").stop.touch()
    if made := _being_made(sweep.directory, sweep.jobs):
        say(f"{len(made)} jobs are still trained by tasks of an earlier start; they end now")
    until = time.monotonic() + LAST_SECONDS
    while made := _being_made(sweep.directory, made):
        if time.monotonic() > until:
            raise DirectoryTakenError(
                f"{len(made)} jobs, such as '{made[0].directory}', are still trained by tasks of "
                "an earlier start; end those with scancel, or wait for them"
            )
        time.sleep(0.5)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        above.rmdir()


def _being_made(sweep: Path, jobs: Sequence[JobState]) -> list[JobState]:
    with packs_of(sweep).steady():
        return [job for job in jobs if is_being_made(sweep / job.directory)]
