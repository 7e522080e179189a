"""Goes on with a sweep: the jobs that did not complete are run."""

from collections.abc import Sequence
from pathlib import Path

from seedbed.api.following import refuse_torchrun
from seedbed.api.foreign_sweep import (
    refuse_foreign_overrides,
    refuse_what_is_not_allowed,
    source_of,
)
from seedbed.api.handed import Handed
from seedbed.api.messages import Messages
from seedbed.api.pinning import with_fingerprints
from seedbed.api.sweep_checks import refuse_what_cannot_run
from seedbed.api.sweep_relocation import moved, refuse_other_data, refuse_other_overrides
from seedbed.api.sweeping import jobs_of, run_left
from seedbed.components import only_readers_own
from seedbed.compose.composed import ComposedConfig
from seedbed.config.locations import users_allowed
from seedbed.config.schema import MemoryConfig
from seedbed.errors import DataError, ModelError, SeedbedError
from seedbed.process import fast_start
from seedbed.remote.places import shown
from seedbed.runs.layout import SWEEP_START, RunPaths
from seedbed.runs.opening import Opening, files_of, opening
from seedbed.runs.pack_rewriting import remove_unfinished_packs, without_superseded
from seedbed.runs.reader import refuse_links
from seedbed.runs.relocation import Relocation
from seedbed.runs.stored import packs_of, refuse_damaged_packs
from seedbed.runs.sweep_hold import held
from seedbed.sweep.clusters.choice import refuse_wrong_cluster
from seedbed.sweep.clusters.earlier import end_earlier_tasks
from seedbed.sweep.outcome import JobState, SweepState, read_sweep
from seedbed.sweep.run import left_to_run
from seedbed.sweep.yardstick import note_basis


def resume_sweep(
    directory: Path,
    overrides: Sequence[str],
    messages: Messages,
    *,
    changed: bool = False,
    config_dir: str | None = None,
    given: Handed | None = None,
) -> SweepState:
    """Runs the jobs of an earlier sweep that did not complete.

    Args:
        directory: of the sweep, which may be a stranger's.
        overrides: where its data lies now.
        messages: hears how it goes.
        changed: whether a config that changed since is taken as it is now.
        config_dir: the user's own folder, or None to look for one; never the sweep's word.
        given: rows and a model that were handed in when it began, handed in again.

    Raises:
        SeedbedError: if the sweep is damaged, or its config changed.
    """
    refuse_torchrun("sweeps")
    refuse_other_overrides(directory, overrides)
    given = given or Handed()
    with opening(directory) as bounds, only_readers_own(users_allowed()):
        for folder in (directory, *(path for path in directory.iterdir() if path.is_dir())):
            refuse_links(RunPaths(folder))
        with held(directory):
            sweep = _opened(directory, bounds, messages)
            left = left_to_run(sweep)
            if not left:
                sweep.write_table()
                messages.line(f"complete already\nsweep: {shown(directory)}")
                return sweep
            composed = given.into(*_composed_again(sweep, left, given, config_dir))
            composed = with_fingerprints(composed, [directory / one.directory for one in left])
            lines = [
                f"{len(sweep.jobs) - len(left)} of {len(sweep.jobs)} jobs are complete",
                *_note_changes(left, composed, directory, changed=changed),
            ]
            note_basis(left, [one.resolved for one in composed])
            composed, relocation = moved(composed, overrides, directory)
            _refuse_what_cannot_go_on(sweep, left, composed, relocation, bounds, messages)
            for line in lines:
                messages.line(line)
            jobs = jobs_of(sweep, left, composed, relocation)
            monitor = run_left(sweep, jobs, messages, opened=bounds.end)
            without_superseded(packs_of(directory).every())
            messages.sweep_ended(sweep, monitor)
    return sweep


def _opened(directory: Path, bounds: Opening, messages: Messages) -> SweepState:
    """The sweep, of which no other process or task writes any more."""
    refuse_damaged_packs(directory)
    sweep = read_sweep(directory)
    runs = [RunPaths(directory / job.directory) for job in sweep.jobs]
    bounds.justified_by(file for run in runs for file in (run.model, run.last, run.best))
    end_earlier_tasks(sweep, messages.note)
    remove_unfinished_packs(directory)
    return sweep


def _refuse_what_cannot_go_on(
    sweep: SweepState,
    left: Sequence[JobState],
    composed: Sequence[ComposedConfig],
    relocation: Relocation,
    bounds: Opening,
    messages: Messages,
) -> None:
    """Reads the data, and builds a job of each kind, within bounds."""
    # Imported here: they bring torch, which a complete sweep does without.
    from seedbed.api.rebuilding import own_starts_of
    from seedbed.training.bounds import is_trusted

    bounds.justified_by({file for one in composed for file in files_of(one.resolved)})
    if any(is_trusted(one.config) for one in composed):
        bounds.end()
    refuse_other_data(sweep, relocation)
    refuse_wrong_cluster([one.config for one in composed])
    starts = own_starts_of(composed, [sweep.directory / one.directory for one in left])
    refuse_what_cannot_run(composed, messages.note, starts)


def _composed_again(
    sweep: SweepState, left: Sequence[JobState], given: Handed, config_dir: str | None
) -> list[ComposedConfig]:
    """The configs of jobs, of which overrides in the sweep's own files may ask for too much."""
    # Imported here: a sweep whose jobs are composed already does without Hydra.
    from seedbed.compose.sweep_jobs import recomposed

    fast_start.imports_done()
    refuse_foreign_overrides(left)
    composed = recomposed([one.overrides for one in left], source_of(sweep, config_dir))
    refuse_what_is_not_allowed(composed, sweep)
    refuse_what_is_not_handed_in(sweep.directory, composed[0], given)
    return composed


def refuse_what_is_not_handed_in(
    directory: Path, first: ComposedConfig, given: Handed, function: str = "resume"
) -> None:
    """Of a sweep that a Python program began with rows or a model of its own.

    Args:
        directory: of the sweep.
        first: the config of a job.
        given: what is handed in now.
        function: to be called with them.

    Raises:
        DataError, ModelError: with what to type there.
    """
    where = f"in Python, type seedbed.{function}({str(directory)!r}"
    if isinstance(first.config.data, MemoryConfig) and given.table is None:
        raise DataError(
            f"'{directory}' trains on rows in memory, which are not kept; {where}, data=rows)"
        )
    if (directory / SWEEP_START).is_file() and given.module is None:
        raise ModelError(
            f"'{directory}' trains a module that a Python program built; {where}, model=module)"
        )


def _note_changes(
    records: Sequence[JobState],
    composed: Sequence[ComposedConfig],
    directory: Path,
    *,
    changed: bool,
) -> list[str]:
    """Notes which configs are not what they were, and what is said of them.

    Raises:
        SeedbedError: for the first, unless they are taken as they are now.
    """
    altered = 0
    for record, one in zip(records, composed, strict=True):
        altered += one.config.identity != record.identity
        if altered and not changed:
            raise SeedbedError(
                f"the config of '{record.directory}' is not what it was when the sweep began; "
                f"put it back, or type seedbed resume {directory} --changed"
            )
        record.identity = one.config.identity
    if not altered:
        return []
    return [
        f"note: the config of {altered} of the others has changed; one that was cut off begins "
        "anew, unless the new config would have brought it to the same place"
    ]
