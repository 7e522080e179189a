"""The functions of `import seedbed`: what the commands do, with runs in place of words."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from seedbed.api.hygiene import untouched
from seedbed.api.messages import messages
from seedbed.api.run import Run
from seedbed.api.sweep import Sweep
from seedbed.api.wording import worded_for_python
from seedbed.config.hints import did_you_mean
from seedbed.errors import ArgumentError
from seedbed.remote.mirrored import mirrored
from seedbed.remote.places import here_alone, read_place, resumed_place, shown
from seedbed.runs.layout import SWEEP_JOBS
from seedbed.runs.reader import open_run
from seedbed.runs.status import Status

if TYPE_CHECKING:
    from torch import nn

    from seedbed.api.checking import Report, SweepReport
    from seedbed.api.handed import Handed
    from seedbed.api.reproducing import Comparison
    from seedbed.api.run_table import RunTable
    from seedbed.sweep.executors import Executor
    from seedbed.sweep.outcome import SweepState

P = ParamSpec("P")
T = TypeVar("T")

Folder = str | PathLike[str]
Names = str | Sequence[str] | None


def _a_guest(function: Callable[P, T]) -> Callable[P, T]:
    """The process is somebody else's: all is put back in it, however the function ends."""
    parameters = inspect.signature(function).parameters.values()
    arguments = [one.name for one in parameters if one.kind is not one.VAR_POSITIONAL]

    @wraps(function)
    def guest(*args: P.args, **named: P.kwargs) -> T:
        _refuse_unknown(function.__name__, arguments, named)
        with worded_for_python(), untouched():
            return function(*args, **named)

    return guest


def _refuse_unknown(function: str, arguments: Sequence[str], named: Iterable[str]) -> None:
    """Python's own error names neither the argument that was meant nor where a key goes.

    Raises:
        TypeError: for a name that is no argument, as Python does.
    """
    for name in named:
        if name not in arguments:
            hint = did_you_mean(name, arguments) or f"; there are {', '.join(arguments)}"
            raise TypeError(
                f"{function}() has no argument '{name}'{hint}; a key of the config is given as an "
                "override, such as 'optimizer.lr=0.01'"
            )


@contextmanager
def _composing(given: "Handed") -> "Iterator[Handed]":
    """Inside, what is handed in is found, and Hydra's own objects may change."""
    from seedbed.compose.isolation import hydra_left_alone

    with hydra_left_alone(), given.found():
        yield given


def _refuse_no_executor(executor: object) -> None:
    missing = [name for name in ("submit", "shutdown", "workers") if not hasattr(executor, name)]
    if executor is not None and missing:
        raise ArgumentError(
            f"executor must have submit, shutdown and workers, as seedbed.sweep.executors.Executor "
            f"says, got {type(executor).__name__}; for processes give 'sweep.workers=2'"
        )


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


@_a_guest
def train(
    *overrides: str,
    data: Any = None,
    target: Names = None,
    model: "nn.Module | None" = None,
    init: Folder | None = None,
    directory: Folder | None = None,
    progress: bool = False,
) -> "Run":
    """Trains one run, as `seedbed train` does.

    Args:
        overrides: as on the command line, such as `"optimizer.lr=0.01"`.
        data: rows in memory in place of those that the config names: a DataFrame of pandas or
            polars, a table of Arrow, a dictionary of columns, or a pair (X, y) of arrays.
        target: the name of the column to predict, or names.
        model: a built module in place of the one that the config describes; a copy is trained.
        init: a run to start from, or its directory, as `init.run=RUN`; or a file of weights.
        directory: of the run; None for a new one below `outputs/`.
        progress: whether to print how it goes.

    Returns:
        The run; its `status` is completed, or diverged.

    Raises:
        ConfigError: for a mistake in the overrides or the YAML, all of them at once.
        SeedbedError: of the kind of the part that cannot be built, or does not fit the others.
        RunFailedError: if a part of your own raises while it trains.
        KeyboardInterrupt: if it was interrupted; a checkpoint is saved, and `resume` goes on.
    """
    from seedbed.api.handed import handed, starting_from

    overrides = (*starting_from(init, overrides),)
    with _composing(handed(overrides, data, target, model)) as given:
        from seedbed.api.requests import run_of
        from seedbed.api.training import refuse_log_alone, train_called_back

        request = run_of(overrides, given, directory)
        refuse_log_alone(request.config)
        trained = train_called_back(
            request, messages(progress=progress), keep_start=model is not None
        )
    _raise_interrupt(trained.status, trained.paths.root)
    return Run(trained.paths.root, given.module)


@_a_guest
def sweep(
    *overrides: str,
    data: Any = None,
    target: Names = None,
    model: "nn.Module | None" = None,
    init: Folder | None = None,
    directory: Folder | None = None,
    progress: bool = False,
    executor: "Executor | None" = None,
) -> "Sweep":
    """Trains a sweep, as `seedbed train -m` does.

    Args:
        overrides: as on the command line, such as `"optimizer.lr=1e-3,1e-2"`.
        data: as for `train`.
        target: as for `train`.
        model: as for `train`; every job begins with its weights, whatever the seed.
        init: as for `train`.
        directory: of the sweep; None for a new one below `outputs/`.
        progress: whether to print how it goes.
        executor: where jobs run that do not train together, in place of this process or of
            `sweep.workers`; anything like `seedbed.sweep.executors.Executor`.

    Returns:
        Its runs; a job that failed does not raise, and is told by its `status`.

    Raises:
        ConfigError: for a mistake in the overrides or the YAML, of all jobs at once.
        SeedbedError: if a job cannot be built; nothing has been written then.
        KeyboardInterrupt: if it was interrupted; `resume` goes on.
    """
    from seedbed.api.handed import handed, starting_from

    _refuse_no_executor(executor)
    overrides = (*starting_from(init, overrides),)
    with _composing(handed(overrides, data, target, model)) as given:
        from seedbed.api.built_modules import refuse_unreachable
        from seedbed.api.requests import sweep_of
        from seedbed.api.sweeping import run_sweep

        request = sweep_of(overrides, given, directory)
        refuse_unreachable(given.module, 0 if executor else request.jobs[0].config.sweep.processes)
        done = run_sweep(
            request, messages(progress=progress), start=given.module, executor=executor
        )
    return _ended(Sweep(done.directory, given.module), done)


@_a_guest
def validate(
    *overrides: str,
    data: Any = None,
    target: Names = None,
    model: "nn.Module | None" = None,
    sweep: bool = False,
) -> "Report | SweepReport":
    """Checks a config without training, as `seedbed validate` does.

    Args:
        overrides: as for `train`.
        data: as for `train`.
        target: as for `train`.
        model: as for `train`.
        sweep: whether they ask for a sweep, as for `sweep`.

    Raises:
        SeedbedError: with all that is wrong, in its `problems`.
    """
    from seedbed.api.handed import handed

    with _composing(handed(overrides, data, target, model)) as given:
        from seedbed.api.checking import check_run
        from seedbed.api.requests import run_of, sweep_of

        if not sweep:
            return check_run(run_of(overrides, given))
        from seedbed.api.sweeping import check_sweep

        return check_sweep(sweep_of(overrides, given))


@_a_guest
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
    directory = Path(resumed_place(_named(path)))
    with mirrored(directory, "resume") as upload:
        gone_on = _resumed(directory, overrides, data, model, changed=changed, progress=progress)
    upload.refuse_unwritten()
    return gone_on


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

        with _composing(handed_to_sweep(directory, data, model)) as given:
            done = resume_sweep(
                directory, overrides, messages(progress=progress), changed=changed, given=given
            )
        return _ended(Sweep(directory, given.module), done)
    from seedbed.api.resuming import resume_run

    paths = open_run(directory)
    given = handed_again(paths, data, model)
    with given.found():
        trained = resume_run(paths, overrides, messages(progress=progress))
    if trained is not None:
        _raise_interrupt(trained.status, trained.paths.root)
    return Run(directory, given.module)


@_a_guest
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


@_a_guest
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
    with only_readers_own(users_allowed()), _composing(handed_again) as given:
        request = composed_confirmation(plan, overrides, given=given)
        done = confirm_sweep(plan, request, messages(progress=progress), given.module)
    return _ended(Sweep(done.directory, given.module), done)


@_a_guest
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


@_a_guest
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


def _raise_interrupt(status: str, path: Path) -> None:
    """Stops the caller as well, whose loop would go on with the next run."""
    if status == Status.INTERRUPTED:
        raise KeyboardInterrupt(f"interrupted; seedbed.resume({shown(path)!r}) goes on")


def _ended(sweep: "Sweep", state: "SweepState") -> "Sweep":
    if sweep.statuses.get(Status.INTERRUPTED) and not state.ended_by_failure:
        _raise_interrupt(Status.INTERRUPTED, sweep.path)
    return sweep
