"""A sweep on the command line: its jobs made from what Hydra composed, and what is said of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from seedbed.cli import sweep_ending, sweep_progress
from seedbed.cli.limits import Opening, files_of
from seedbed.cli.sweep_checks import (
    notes_on_fusing,
    refuse_strange_words,
    refuse_too_large,
    refuse_what_cannot_fuse,
    refuse_what_cannot_run,
    refuse_what_is_not_allowed,
    without_duplicates,
)
from seedbed.cli.sweep_relocated import moved, refuse_other_data, refuse_other_words
from seedbed.compose.composed import SUBDIR, Composed, ComposedSweep, hydra_files
from seedbed.compose.overrides import filled_in
from seedbed.config.identity import config_hash
from seedbed.config.locations import find_user_conf
from seedbed.errors import RunDirectoryError, SeedbedError
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import write_yaml, writing
from seedbed.runs.layout import SWEEP_CONFIG, SWEEP_JOBS, RunPaths
from seedbed.runs.lock import DirectoryLock
from seedbed.sweep.job import Job
from seedbed.sweep.names import job_folders, refuse_wrong_folders
from seedbed.sweep.outcome import JobRecord, Sweep, read_sweep
from seedbed.sweep.run import left_to_run, run_jobs
from seedbed.sweep.yardstick import note_basis

finished: list[tuple[Sweep, str]] = []
"""The sweeps that this process ran, each with what its jobs are compared by.

Hydra's launcher has no other way to tell the command line."""


Runner = Callable[[Sweep, Sequence[Job]], None]

_checking: list[bool] = []
"""Whether sweeps are only checked; not empty inside `checking_only`."""


@contextmanager
def checking_only() -> Iterator[None]:
    """Sweeps inside are composed and checked, and neither run nor written."""
    _checking.append(True)
    try:
        yield
    finally:
        _checking.pop()


def run_sweep(asked: ComposedSweep, run: Runner | None = None) -> list[JobRecord]:
    """Runs a new sweep.

    Args:
        asked: what was composed.
        run: runs the jobs of the sweep in another way than ours, and records them.

    Raises:
        SeedbedError: if a job cannot be prepared; nothing has been written then.
    """
    fast_start.imports_done()
    directory = asked.directory
    if (directory / SWEEP_JOBS).exists():
        DirectoryLock(directory).release()
        raise RunDirectoryError(
            f"'{directory}' holds a sweep already; type another hydra.sweep.dir, or "
            f"seedbed resume {directory}"
        )
    if RunPaths(directory).status.exists():
        raise RunDirectoryError(f"'{directory}' holds a run; type another hydra.sweep.dir, or none")
    kept = without_duplicates(asked.jobs)
    sizes = refuse_what_cannot_run(kept)
    folders = _folders(kept)
    _refuse_what_is_in_the_way(directory, folders)
    refuse_what_cannot_fuse(kept)
    if _checking:
        for note in notes_on_fusing(kept):
            print(f"note: {note}")
        print(f"valid: {len(kept)} jobs")
        return []
    refuse_too_large(directory, kept, sizes)
    records = [
        JobRecord(number, filled_in(one), folder, config_hash(one.plain))
        for number, (one, folder) in enumerate(zip(kept, folders, strict=True))
    ]
    note_basis(records, [one.plain for one in kept])
    sweep = Sweep(directory, records, asked.origin)
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with alone(directory):
        write_yaml(directory / SWEEP_CONFIG, asked.multirun)
        _go(sweep, jobs_of(sweep, records, kept), run)
    return records


def _folders(composed: Sequence[Composed]) -> list[str]:
    """Of the jobs: as `hydra.sweep.subdir` says, or named by their overrides.

    Raises:
        ConfigError: if that names no folder, or one for two jobs.
    """
    named = [one.subfolder(number) for number, one in enumerate(composed)]
    asked = [folder for folder in named if folder is not None]
    if not asked:
        return job_folders([filled_in(job) for job in composed])
    refuse_wrong_folders(asked, SUBDIR)
    return asked


def _refuse_what_is_in_the_way(directory: Path, folders: Sequence[str]) -> None:
    """A new sweep writes over nothing; in one that goes on, the jobs' folders are its own."""
    if not directory.is_dir():
        return
    taken = [folder for folder in folders if (directory / folder).exists()]
    if taken:
        raise RunDirectoryError(
            f"'{directory}' holds '{taken[0]}', which a job would write into; type another "
            "hydra.sweep.dir, or none"
        )


def resume_sweep(
    directory: Path,
    words: Sequence[str],
    bounds: Opening,
    *,
    changed: bool,
    config_dir: str | None,
) -> int:
    """Runs the jobs of an earlier sweep that did not complete, inside `alone`; the exit code.

    Args:
        directory: of the sweep, which may be a stranger's.
        words: where its data lies now.
        bounds: which hold until it trains.
        changed: whether a config that changed since is taken as it is now.
        config_dir: the user's own folder, or None to look for one; never the sweep's word.

    Raises:
        SeedbedError: if the sweep is damaged, or its config changed.
    """
    # Imported here: a sweep whose jobs are composed already does without Hydra.
    from seedbed.compose.sweep_jobs import recomposed
    from seedbed.training.bounds import is_trusted

    fast_start.imports_done()
    refuse_other_words(directory, words)
    sweep = read_sweep(directory)
    held = [RunPaths(directory / job.directory) for job in sweep.jobs]
    bounds.justified_by(file for run in held for file in (run.model, run.last, run.best))
    left = left_to_run(sweep)
    if not left:
        sweep.write_table()
        print(f"complete already\nsweep: {directory}")
        return DONE
    refuse_strange_words(left)
    name = str(sweep.origin.get("config_name", "config"))
    folder = find_user_conf(config_dir)
    composed = recomposed([record.overrides for record in left], folder, name)
    refuse_what_is_not_allowed(composed, directory)
    altered = 0
    for record, one in zip(left, composed, strict=True):
        altered += config_hash(one.plain) != record.identity
        if altered and not changed:
            raise SeedbedError(
                f"the config of '{record.directory}' is not what it was when the sweep began; "
                f"put it back, or type seedbed resume {directory} --changed"
            )
        record.identity = config_hash(one.plain)
    note_basis(left, [one.plain for one in composed])
    composed, relocation = moved(composed, words, directory)
    bounds.justified_by({file for one in composed for file in files_of(one.plain)})
    if any(is_trusted(one.run) for one in composed):
        bounds.end()
    refuse_other_data(sweep, relocation)
    refuse_what_cannot_run(composed)
    print(f"{len(sweep.jobs) - len(left)} of {len(sweep.jobs)} jobs are complete")
    if altered:
        print(
            f"note: the config of {altered} of the others has changed; one that was cut off begins "
            "anew, unless the new config would have brought it to the same place"
        )
    _go(sweep, jobs_of(sweep, left, composed, relocation), opened=bounds.end)
    return exit_code()


def jobs_of(
    sweep: Sweep,
    records: Sequence[JobRecord],
    composed: Sequence[Composed],
    relocate: Callable[[dict[str, Any]], None] | None = None,
) -> list[Job]:
    """Jobs as the rooms below take them."""
    jobs = []
    for record, one in zip(records, composed, strict=True):
        path = sweep.directory / record.directory
        hydra = hydra_files(replace(one, number=record.number), path)
        jobs.append(
            Job(
                record.number,
                record.overrides,
                path,
                one.run,
                one.plain,
                hydra,
                record.group is not None,
                relocate,
            )
        )
    return jobs


def _go(
    sweep: Sweep,
    jobs: Sequence[Job],
    run: Runner | None = None,
    opened: Callable[[], None] = lambda: None,
) -> None:
    """Runs the jobs, saying how they do."""
    config = jobs[0].config
    monitors = {job.config.trainer.monitor for job in jobs}
    monitor = monitors.pop() if len(monitors) == 1 else "auto"  # one for all of them
    finished.append((sweep, monitor))
    if run is not None:
        run(sweep, jobs)
    else:
        progress = sweep_progress.reporter(monitor, sweep.jobs)
        run_jobs(sweep, jobs, config.sweep, progress, opened)


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """No other process runs the sweep meanwhile.

    Raises:
        SeedbedError: if one does.
    """
    lock = DirectoryLock(directory)
    try:
        yield
    finally:
        lock.release()


def exit_code() -> int:
    """Of the sweep that just ran; says how it went."""
    return sweep_ending.say_ending(*finished[-1])
