"""`seedbed train`: one run, or with -m a sweep."""

import sys
from collections.abc import Sequence

from seedbed.compose.composed import ComposedConfig, ComposedSweep
from seedbed.errors import ArgumentError
from seedbed.process.ahead import Later, composed_ahead

SWEEP_MODULES = ("torch", "seedbed.api.sweeping", "seedbed.sweep.disk", "seedbed.sweep.execution")
RUN_MODULES = ("torch", "seedbed.recording.run", "seedbed.views.summary")
"""What is imported while the config is composed."""

TRAINING_FLAGS = {"--config-dir", "--config-path", "--config-name", "-cd", "-cp", "-cn"}
SWEEP_FLAGS = {"-m", "--multirun"}
DEBUG = "--debug"


def main(argv: Sequence[str]) -> int:
    """Trains; the exit code."""
    if DEBUG not in argv:
        return _trained(argv)
    # Imported here: it brings pdb.
    from seedbed.cli.debugging import debugged

    rest = [word for word in argv if word != DEBUG]
    if SWEEP_FLAGS.intersection(rest):
        raise ArgumentError(f"{DEBUG} is for one run; leave out -m")
    return debugged(lambda: _trained(rest))


def _trained(argv: Sequence[str]) -> int:
    flags = {argument.partition("=")[0] for argument in argv if argument.startswith("-")}
    if flags <= TRAINING_FLAGS | SWEEP_FLAGS:
        shows = "seedbed.api.run_bar" if sys.stdout.isatty() else "seedbed.api.run_lines"
        modules = SWEEP_MODULES if flags & SWEEP_FLAGS else (*RUN_MODULES, shows)
        request = composed_ahead(lambda: request_of(argv), modules, _drawing)
    else:  # --help and such like, which need no torch
        request = request_of(argv)
    if request is None:
        return _through_hydra(argv)
    # Imported here: a mistake is told by what composes, which needs none of it.
    from seedbed.cli.console import Console

    console = Console()
    if isinstance(request, ComposedSweep):
        from seedbed.api.sweeping import run_sweep

        run_sweep(request, console)
    else:
        from seedbed.api.training import train_called_back

        train_called_back(request, console)
    return console.code


def _drawing(request: ComposedConfig | ComposedSweep | None) -> Later | None:
    """What draws the losses of a run at its end; a sweep draws none."""
    if not isinstance(request, ComposedConfig):
        return None
    from seedbed.recording.figure import loss_figure

    return loss_figure, {"train/loss": ([1.0, 2.0], [2.0, 1.0])}


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
    source = hydra_flags.source(args)
    if args.multirun and hydra_flags.mode(args) == "RUN":
        raise ArgumentError("-m asks for a sweep, hydra.mode=RUN for a run; type one of the two")
    return requested(args.overrides, source, multirun=args.multirun, only_check=only_check)


def _through_hydra(argv: Sequence[str]) -> int:
    """Has Hydra do what is asked; the exit code."""
    from seedbed.api.training import train_run
    from seedbed.cli import hydra_flags
    from seedbed.cli.console import Console, of_plugins
    from seedbed.compose.compose import from_job
    from seedbed.compose.launchers import launched_job

    args = hydra_flags.parse(argv)
    if not hydra_flags.asks_something_else(args):
        hydra_flags.through_hydra(argv, args, launched_job)
        return of_plugins.print_sweep()
    console = Console()  # of a run that Hydra reruns, whose callbacks it calls itself
    hydra_flags.through_hydra(argv, args, lambda job: train_run(from_job(job), console))
    return console.code
