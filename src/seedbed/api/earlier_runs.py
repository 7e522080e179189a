"""Functions of `import seedbed` that take earlier runs and sweeps, such as `resume`."""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.api.guest import a_guest, composing, ended, raise_interrupt
from seedbed.api.messages import messages
from seedbed.api.run import Run
from seedbed.api.sweep import Sweep
from seedbed.errors import ArgumentError
from seedbed.remote.mirrored import going_on
from seedbed.remote.places import here_alone, read_place
from seedbed.runs.layout import SWEEP_JOBS
from seedbed.runs.reader import open_run

if TYPE_CHECKING:
    from torch import nn

    from seedbed.api.reproducing import Comparison
    from seedbed.api.run_table import RunTable

Folder = str | PathLike[str]


@a_guest
def resume(
    path: Folder,
    *overrides: str,
    data: Any = None,
    model: "nn.Module | None" = None,
    changed: bool = False,
    progress: bool = False,
) -> "Run | Sweep":
    """Goes on with a run or a sweep where it stopped, as `seedbed resume` does.

    Args:
        path: of the run or of the sweep, or either itself.
        overrides: `"trainer.epochs=N"` for more epochs, `"loader.num_workers=N"` for other
            processes that read, `"data.path=FILE"` if its data was moved.
        data: the rows, of a run that was begun with rows in memory.
        model: a module of the same form, of a run that was begun with a built module.
        changed: of a sweep: whether a config that changed since is taken as it is now.
        progress: whether to print how it goes.

    Raises:
        SeedbedError: if it cannot go on; with what to do.
        KeyboardInterrupt: if it was interrupted.
    """
    from seedbed.api.handed import refuse_no_override

    refuse_no_override(overrides)
    with going_on(_named(path)) as directory:
        return _resumed(directory, overrides, data, model, changed=changed, progress=progress)


def _resumed(
    directory: Path,
    overrides: Sequence[str],
    data: Any,
    model: "nn.Module | None",
    *,
    changed: bool,
    progress: bool,
) -> "Run | Sweep":
    from seedbed.api.handed_again import handed_again, handed_to_sweep

    if (directory / SWEEP_JOBS).is_file():
        from seedbed.api.sweep_resuming import resume_sweep

        with composing(handed_to_sweep(directory, data, model)) as given:
            done = resume_sweep(
                directory, overrides, messages(progress=progress), changed=changed, given=given
            )
        return ended(Sweep(directory, given.module), done)
    from seedbed.api.resuming import resume_run

    paths = open_run(directory)
    given = handed_again(paths, data, model)
    with given.found():
        trained = resume_run(paths, overrides, messages(progress=progress))
    if trained is not None:
        raise_interrupt(trained.status, trained.paths.root)
    return Run(directory, given.module)


@a_guest
def unpack(path: Folder, *jobs: str | int, to: Folder | None = None) -> "list[Run]":
    """Makes run directories of runs of a packed sweep, as `seedbed unpack` does.

    Args:
        path: of the sweep, or the sweep itself.
        jobs: names of their folders, or numbers; none for all runs.
        to: the folder that they go into; None for the sweep's own, where they are the runs from
            then on.

    Returns:
        The runs in their directories.

    Raises:
        SeedbedError: if a job is not in a pack, a pack is damaged, or a directory is there already.
    """
    from seedbed.api.unpacking import unpack_runs

    sweep = Path(here_alone(str(_named(path))))
    into = None if to is None else Path(to)
    return [Run(made) for made in unpack_runs(sweep, list(map(str, jobs)), into)]


@a_guest
def confirm(
    path: Folder,
    *overrides: str,
    top: int = 5,
    seeds: int = 20,
    metric: str | None = None,
    better: str | None = None,
    data: Any = None,
    model: "nn.Module | None" = None,
    progress: bool = False,
) -> "Sweep":
    """Trains the best settings of a sweep again with fresh seeds, as `seedbed confirm` does.

    Args:
        path: of the sweep, or the sweep itself.
        overrides: `"hydra.sweep.dir=DIR"`, or keys of `sweep`, for the new sweep.
        top: how many settings.
        seeds: how many for each, that the sweep has not used.
        metric: that they are chosen by; None for that of the validation rows.
        better: `"higher"` or `"lower"`, of a metric of your own.
        data: the rows, of a sweep that was begun with rows in memory.
        model: a module of the same form, of a sweep that was begun with a built module.
        progress: whether to print how it goes.

    Returns:
        The new sweep; `seedbed.runs(sweep.path).compare()` compares its settings.

    Raises:
        SeedbedError: if there is nothing to choose, or the config or the data is not what it was.
        KeyboardInterrupt: if it was interrupted; `resume` goes on.
    """
    from seedbed.analysis.runs_compared import Request
    from seedbed.api.confirming import composed_confirmation, confirm_sweep, planned
    from seedbed.api.handed import refuse_no_override
    from seedbed.api.handed_again import handed_to_sweep
    from seedbed.components import only_readers_own
    from seedbed.config.locations import users_allowed

    refuse_no_override(overrides)
    plan = planned(_directory(path), top, seeds, Request(metric, better=better))
    handed_again = handed_to_sweep(plan.sweep.directory, data, model)
    with only_readers_own(users_allowed()), composing(handed_again) as given:
        request = composed_confirmation(plan, overrides, given=given)
        done = confirm_sweep(plan, request, messages(progress=progress), given.module)
    return ended(Sweep(done.directory, given.module), done)


@a_guest
def reproduce(
    path: Folder, *overrides: str, data: Any = None, model: "nn.Module | None" = None
) -> "Comparison":
    """Runs a finished run again elsewhere and compares bit for bit, as `seedbed reproduce` does.

    Args:
        path: of the run.
        overrides: `"data.path=FILE"` if its data was moved.
        data: as for `resume`.
        model: as for `resume`; it is given the weights that the run began with.

    Returns:
        What was found; true if the two are identical.

    Raises:
        SeedbedError: if the run has not ended, is damaged, or is of other data.
    """
    from seedbed.api.handed import refuse_no_override
    from seedbed.api.handed_again import handed_again
    from seedbed.api.reproducing import reproduce_run

    refuse_no_override(overrides)
    paths = open_run(_directory(path))
    with handed_again(paths, data, model).found():
        return reproduce_run(paths, overrides, lambda text: None)


def load_run(path: Folder, *, model: "nn.Module | None" = None) -> "Run":
    """Opens a run directory, which may come from a stranger.

    Args:
        path: of the directory.
        model: a module of the same form, of a run that was begun with a built module; a copy gets
            the run's weights.

    Raises:
        RunDirectoryError: if there is none.
    """
    return Run(_directory(path), model)


def load_sweep(path: Folder, *, model: "nn.Module | None" = None) -> "Sweep":
    """Opens a sweep directory, which may come from a stranger.

    Args:
        path: of the directory.
        model: as for `load_run`.

    Raises:
        RunDirectoryError: if there is none, or its list of jobs is damaged.
    """
    return Sweep(_directory(path), model)


@a_guest
def runs(*folders: Folder) -> "RunTable":
    """Every run below folders, newest first, as `seedbed runs` lists them.

    Args:
        folders: to look in; none for `outputs`.

    Raises:
        RunDirectoryError: if one of them is no folder.
    """
    from seedbed.api.run_table import RunTable
    from seedbed.catalog.table import OUTPUTS, table_of

    return RunTable(table_of([_directory(folder, light=True) for folder in folders or (OUTPUTS,)]))


def _directory(path: object, *, light: bool = False) -> Path:
    """The directory of a run or a sweep, which may be given itself.

    Args:
        path: as given; what lies at a URL is brought here.
        light: without weights, curves and pictures.

    Raises:
        ArgumentError: for what names none.
        RunDirectoryError: if it cannot be brought.
    """
    return Path(read_place(_named(path), light=light))


def _named(path: object) -> str:
    named = fspath(path) if isinstance(path, str | PathLike) else None
    if not isinstance(named, str):
        raise ArgumentError(
            f"path must be a folder's name, a Run or a Sweep, got {type(path).__name__}"
        )
    return named
