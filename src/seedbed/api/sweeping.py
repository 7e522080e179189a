"""Runs a sweep from composed jobs, or checks it without running it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.api.checking import SweepReport
from seedbed.api.following import refuse_torchrun
from seedbed.api.messages import Messages
from seedbed.api.pinning import with_fingerprints
from seedbed.api.sweep_checks import (
    Note,
    notes_on_fusing,
    refuse_what_cannot_fuse,
    refuse_what_cannot_run,
    refuse_without_compiler,
    without_duplicates,
)
from seedbed.api.training import save_start
from seedbed.compose.composed import SUBDIR, ComposedConfig, ComposedSweep, HydraFiles
from seedbed.errors import ArgumentError
from seedbed.handed_in import all_handed_in
from seedbed.process import fast_start
from seedbed.remote.mirrored import mirrored
from seedbed.remote.places import shown, url_of
from seedbed.runs.directory import refuse_occupied
from seedbed.runs.files import write_yaml, writing
from seedbed.runs.layout import SWEEP_CONFIG, SWEEP_JOBS, SWEEP_START
from seedbed.runs.relocation import Relocation
from seedbed.runs.sweep_hold import held, refuse_held
from seedbed.sweep.clusters.choice import refuse_wrong_cluster
from seedbed.sweep.job import Job
from seedbed.sweep.names import job_folders, refuse_unpackable, refuse_wrong_folders
from seedbed.sweep.outcome import JobState, SweepState
from seedbed.sweep.run import run_jobs
from seedbed.sweep.yardstick import note_basis

if TYPE_CHECKING:
    from torch import nn

    from seedbed.sweep.disk import Footprint
    from seedbed.sweep.executors import Executor

Runner = Callable[[SweepState, Sequence[Job]], None]
"""Runs the jobs of a sweep in another way than ours, and records them."""


def run_sweep(
    request: ComposedSweep,
    messages: Messages,
    run: Runner | None = None,
    start: "nn.Module | None" = None,
    executor: "Executor | None" = None,
    opened: Callable[[], None] = lambda: None,
) -> SweepState:
    """Runs a new sweep.

    Args:
        request: what was composed.
        messages: hears how it goes.
        run: runs the jobs, in place of ours.
        start: a built module whose weights all jobs begin with, which are kept; else None.
        executor: where jobs run that do not train together; None for what the config says.
        opened: called before the first job begins.

    Raises:
        SeedbedError: if a job cannot be prepared; nothing has been written then.
    """
    refuse_torchrun("sweeps")
    # Imported here: it brings torch.
    from seedbed.sweep.disk import refuse_too_large

    fast_start.imports_done()
    kept, folders, sizes = _checked(request, messages.note)
    directory = request.directory
    refuse_too_large(directory, list(zip(sizes, (one.config for one in kept), strict=True)))
    sweep = _state(request, kept, folders)
    with mirrored(directory) as upload, made_alone(directory):
        write_yaml(directory / SWEEP_CONFIG, request.multirun)
        if start is not None:
            save_start(directory / SWEEP_START, start)
        jobs = jobs_of(sweep, sweep.jobs, kept)
        monitor = run_left(sweep, jobs, messages, run, opened, executor)
    messages.sweep_ended(sweep, monitor)
    upload.refuse_unwritten()
    return sweep


def check_sweep(request: ComposedSweep) -> SweepReport:
    """Checks a new sweep, and neither runs nor writes it.

    Raises:
        SeedbedError: as `run_sweep`.
    """
    fast_start.imports_done()
    notes: list[str] = []
    kept, folders, _ = _checked(request, notes.append)
    _state(request, kept, folders)
    return SweepReport(len(kept), [*notes, *notes_on_fusing(kept, request.directory)])


def _state(
    request: ComposedSweep, kept: Sequence[ComposedConfig], folders: Sequence[str]
) -> SweepState:
    """A new sweep, of which no job has begun.

    Raises:
        ConfigError: if it has more jobs than its list can name.
    """
    records = [
        JobState(number, one.overrides_filled_in(), folder, one.config.identity)
        for number, (one, folder) in enumerate(zip(kept, folders, strict=True))
    ]
    note_basis(records, [one.resolved for one in kept])
    sweep = SweepState(request.directory, records, request.origin)
    sweep.refuse_too_many()
    return sweep


def _checked(
    request: ComposedSweep, note: Note
) -> tuple[list[ComposedConfig], list[str], "list[Footprint]"]:
    """The jobs of a new sweep without duplicates, their folders, and what each takes."""
    directory = request.directory
    if (directory / SWEEP_JOBS).exists():
        refuse_held(directory)  # one that another process runs is refused as such
    refuse_occupied(directory, "sweep")
    kept = without_duplicates(with_fingerprints(request.jobs), note)
    if any(one.config.trainer.fast_dev_run for one in kept):
        raise ArgumentError(
            "trainer.fast_dev_run=true is for one run, of which it keeps the log alone; for a "
            "sweep type trainer.limit_batches=2 trainer.epochs=1"
        )
    if any(one.config.loader.batch_size == "largest" for one in kept):
        raise ArgumentError(
            "loader.batch_size=largest is for one run, as what is free changes from job to job; "
            "type the number that seedbed validate finds"
        )
    refuse_wrong_cluster([one.config for one in kept])
    if kept[0].config.sweep.executor != "local" and url_of(directory) is not None:
        raise ArgumentError(
            f"hydra.sweep.dir={shown(directory)}: the tasks of a cluster write into a folder that "
            "all nodes see; name one, and copy the sweep at its end"
        )
    sizes = refuse_what_cannot_run(kept, note)
    folders = _folders(kept)
    if kept[0].config.sweep.layout == "packed":
        refuse_unpackable(folders)
    refuse_what_cannot_fuse(kept, directory)
    refuse_without_compiler(kept)
    return kept, folders, sizes


def _folders(composed: Sequence[ComposedConfig]) -> list[str]:
    """Of the jobs: as `hydra.sweep.subdir` says, or named by their overrides.

    Raises:
        ConfigError: if that names no folder, or one for two jobs.
    """
    named = [one.subfolder(number) for number, one in enumerate(composed)]
    given = [folder for folder in named if folder is not None]
    if not given:
        return job_folders([job.overrides_filled_in() for job in composed])
    refuse_wrong_folders(given, SUBDIR)
    return given


def jobs_of(
    sweep: SweepState,
    records: Sequence[JobState],
    composed: Sequence[ComposedConfig],
    relocation: Relocation | None = None,
) -> list[Job]:
    """Jobs as the rooms below take them."""
    handed_in, where = all_handed_in(), sweep.directory.resolve()
    jobs = []
    for record, one in zip(records, composed, strict=True):
        numbered = one if one.number == record.number else replace(one, number=record.number)
        jobs.append(
            Job(
                record.number,
                record.overrides,
                sweep.directory / record.directory,
                one.config,
                HydraFiles(numbered, where, record.directory),
                record.group,
                relocation,
                handed_in,
            )
        )
    return jobs


def run_left(
    sweep: SweepState,
    jobs: Sequence[Job],
    messages: Messages,
    run: Runner | None = None,
    opened: Callable[[], None] = lambda: None,
    executor: "Executor | None" = None,
) -> str:
    """Runs the jobs; what they are compared by."""
    monitors = {job.config.trainer.monitor for job in jobs}
    monitor = monitors.pop() if len(monitors) == 1 else "auto"  # one for all of them
    if run is not None:
        run(sweep, jobs)
    else:
        fast_start.prepared()
        progress = messages.sweep_progress(monitor, sweep.jobs)
        run_jobs(sweep, jobs, progress, opened, executor)
    return monitor


@contextmanager
def made_alone(directory: Path) -> Iterator[None]:
    """As `held`, of a sweep that begins: its folder is made where it is not there."""
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with held(directory):
        yield
