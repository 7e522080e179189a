"""`seedbed train`: one run, or with -m a sweep."""

from collections.abc import Sequence
from pathlib import Path

from seedbed.compose.composed import ComposedConfig, ComposedSweep
from seedbed.errors import ArgumentError
from seedbed.process.fast_start import composed_ahead

SWEEP_MODULES = ("torch", "seedbed.api.sweeping", "seedbed.sweep.disk", "seedbed.sweep.execution")
RUN_MODULES = (
    "torch",
    "seedbed.recording.run",
    "seedbed.api.run_progress",
    "seedbed.views.summary",
)
"""What is imported while the config is composed."""

TRAINING_FLAGS = {"--config-dir", "--config-path", "--config-name", "-cd", "-cp", "-cn"}
SWEEP_FLAGS = {"-m", "--multirun"}


def main(argv: Sequence[str]) -> int:
    """Trains; the exit code."""
    flags = {word.partition("=")[0] for word in argv if word.startswith("-")}
    if flags <= TRAINING_FLAGS | SWEEP_FLAGS:
        modules = SWEEP_MODULES if flags & SWEEP_FLAGS else RUN_MODULES
        request = composed_ahead(lambda: request_of(argv), modules)
    else:  # --help and such like, which need no torch
        request = request_of(argv)
    match request:
        case ComposedConfig():
            return _train(request)
        case ComposedSweep():
            return _sweep(request)
    return _through_hydra(argv)


def request_of(
    argv: Sequence[str], *, only_check: bool = False
) -> ComposedConfig | ComposedSweep | None:
    """The run or the sweep, composed and checked; None if Hydra itself is to do what is asked.

    Args:
        argv: of the command line.
        only_check: whether nothing is to be run, so that Hydra is not asked to.

    Raises:
        SeedbedError: for a flag that there is not, or a mistake in the overrides or the YAML.
    """
    # Imported here: Hydra takes a sixth of a second, and may be needed in another process alone.
    from seedbed.cli import hydra_flags
    from seedbed.compose.requests import requested

    args = hydra_flags.parse(argv)
    if hydra_flags.asks_something_else(args):
        return None
    folder = hydra_flags.user_folder(args)
    if args.multirun and hydra_flags.mode(args) == "RUN":
        raise ArgumentError("-m asks for a sweep, hydra.mode=RUN for a run; type one of the two")
    return requested(
        args.overrides,
        folder,
        args.config_name or "config",
        Path(args.config_path) if args.config_path else None,
        multirun=args.multirun,
        only_check=only_check,
    )


def _train(request: ComposedConfig) -> int:
    """Trains one run; the exit code."""
    # Imported here, as below: a mistake is told by what composes, which needs none of it.
    from seedbed.api.training import train_called_back
    from seedbed.cli.console import Console

    console = Console()
    train_called_back(request, console)
    return console.code


def _sweep(request: ComposedSweep) -> int:
    """Runs a sweep; the exit code."""
    from seedbed.api.sweeping import run_sweep
    from seedbed.cli.console import Console

    console = Console()
    run_sweep(request, console)
    return console.code


def _through_hydra(argv: Sequence[str]) -> int:
    from seedbed.cli import hydra_flags
    from seedbed.compose.compose import from_job

    args = hydra_flags.parse(argv)
    if not hydra_flags.asks_something_else(args):
        from seedbed.cli.console import of_plugins
        from seedbed.compose.launchers import launched_job

        hydra_flags.through_hydra(argv, args, launched_job)
        return of_plugins.print_sweep()
    codes: list[int] = []
    hydra_flags.through_hydra(argv, args, lambda job: codes.append(_rerun(from_job(job))))
    return max(codes, default=0)


def _rerun(request: ComposedConfig) -> int:
    """Trains a run that Hydra reruns; the exit code. Hydra calls the callbacks itself."""
    from seedbed.api.training import train_run
    from seedbed.cli.console import Console

    console = Console()
    train_run(request, console)
    return console.code
