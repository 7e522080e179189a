"""`seedbed.train`, `sweep` and `validate`: what begins anew, from overrides in place of words."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from seedbed.api.guest import a_guest, composing, ended, raise_interrupt
from seedbed.api.messages import messages
from seedbed.api.run import Run
from seedbed.api.sweep import Sweep
from seedbed.errors import ArgumentError

if TYPE_CHECKING:
    from torch import nn

    from seedbed.api.checking import Report, SweepReport
    from seedbed.sweep.executors import Executor

Folder = str | PathLike[str]
Names = str | Sequence[str] | None


@a_guest
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
    with composing(handed(overrides, data, target, model)) as given:
        from seedbed.api.requests import run_of
        from seedbed.api.training import refuse_log_alone, train_called_back

        request = run_of(overrides, given, directory)
        refuse_log_alone(request.config)
        trained = train_called_back(
            request, messages(progress=progress), keep_start=model is not None
        )
    raise_interrupt(trained.status, trained.paths.root)
    return Run(trained.paths.root, given.module)


@a_guest
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
    with composing(handed(overrides, data, target, model)) as given:
        from seedbed.api.built_modules import refuse_unreachable
        from seedbed.api.requests import sweep_of
        from seedbed.api.sweeping import run_sweep

        request = sweep_of(overrides, given, directory)
        refuse_unreachable(given.module, 0 if executor else request.jobs[0].config.sweep.processes)
        done = run_sweep(
            request, messages(progress=progress), start=given.module, executor=executor
        )
    return ended(Sweep(done.directory, given.module), done)


@a_guest
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

    with composing(handed(overrides, data, target, model)) as given:
        from seedbed.api.checking import check_run
        from seedbed.api.requests import run_of, sweep_of

        if not sweep:
            return check_run(run_of(overrides, given))
        from seedbed.api.sweeping import check_sweep

        return check_sweep(sweep_of(overrides, given))


def _refuse_no_executor(executor: object) -> None:
    missing = [name for name in ("submit", "shutdown", "workers") if not hasattr(executor, name)]
    if executor is not None and missing:
        raise ArgumentError(
            f"executor must have submit, shutdown and workers, as seedbed.sweep.executors.Executor "
            f"says, got {type(executor).__name__}; for processes give 'sweep.workers=2'"
        )
