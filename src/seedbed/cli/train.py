"""`seedbed train`: one run, or with -m a sweep."""

import logging
from collections.abc import Sequence
from pathlib import Path

from seedbed.components import AllowList
from seedbed.compose.composed import Composed, ComposedSweep, hydra_files
from seedbed.errors import ArgumentError, ConfigError
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.process.fast_start import composed_ahead
from seedbed.runs.beginning import logged, write_hydra_files
from seedbed.runs.directory import claimed

log = logging.getLogger("seedbed")

SWEEP_MODULES = ("torch", "seedbed.cli.sweep", "seedbed.sweep.disk", "seedbed.sweep.execution")
RUN_MODULES = ("torch", "seedbed.training.run", "seedbed.cli.progress", "seedbed.views.summary")
"""What is imported while the config is composed."""

TRAINING_FLAGS = {"--config-dir", "--config-path", "--config-name", "-cd", "-cp", "-cn"}
SWEEP_FLAGS = {"-m", "--multirun"}


def main(words: Sequence[str]) -> int:
    """Trains; the exit code."""
    flags = {word.partition("=")[0] for word in words if word.startswith("-")}
    if flags <= TRAINING_FLAGS | SWEEP_FLAGS:
        modules = SWEEP_MODULES if flags & SWEEP_FLAGS else RUN_MODULES
        asked = composed_ahead(lambda: asked_for(words), modules)
    else:  # --help and such like, which need no torch
        asked = asked_for(words)
    match asked:
        case Composed():
            return _run(asked)
        case ComposedSweep():
            return _sweep(asked)
    return _through_hydra(words)


def asked_for(words: Sequence[str], *, only_check: bool = False) -> Composed | ComposedSweep | None:
    """The run or the sweep, composed and checked; None if Hydra itself is to do what is asked.

    Args:
        words: of the command line.
        only_check: whether nothing is to be run, so that Hydra is not asked to.

    Raises:
        SeedbedError: for a flag that there is not, or a mistake in the overrides or the YAML.
    """
    # Imported here: Hydra takes a sixth of a second, and may be needed in another process alone.
    from seedbed.cli import hydra_flags
    from seedbed.compose.compose import asks_for_sweep, composed
    from seedbed.compose.modes import fitting_one_run

    args = hydra_flags.parse(words)
    if hydra_flags.asks_something_else(args):
        return None
    folder = hydra_flags.user_folder(args)
    name, path = args.config_name or "config", args.config_path
    if args.multirun and hydra_flags.mode(args) == "RUN":
        raise ArgumentError("-m asks for a sweep, hydra.mode=RUN for a run; type one of the two")
    source = (folder, name, Path(path) if path else None)
    asked: Composed | None = None
    if not args.multirun:
        try:
            asked = composed(args.overrides, *source)
        except ConfigError:
            if not asks_for_sweep(args.overrides, *source):
                raise
    if asked is None or asked.hydra["mode"] == "MULTIRUN":
        from seedbed.cli.sweep_words import composed_sweep  # with NumPy, which draws values

        return composed_sweep(args.overrides, *source, only_check=only_check)
    asked = fitting_one_run(asked)
    _ = asked.directory  # told by OmegaConf, and kept
    return asked


def _run(asked: Composed) -> int:
    if not asked.hydra["callbacks"]:
        return train(asked)
    from seedbed.cli.hydra_callbacks import called_back

    return called_back(asked, train)


def _sweep(asked: ComposedSweep) -> int:
    from seedbed.cli import sweep

    sweep.run_sweep(asked)
    return sweep.exit_code()


def _through_hydra(words: Sequence[str]) -> int:
    from seedbed.cli import hydra_flags
    from seedbed.compose.compose import from_job

    args = hydra_flags.parse(words)
    if not hydra_flags.asks_something_else(args):
        from seedbed.cli import other_launcher, sweep

        hydra_flags.through_hydra(words, args, other_launcher.job)
        return sweep.exit_code()
    codes: list[int] = []
    hydra_flags.through_hydra(words, args, lambda job: codes.append(train(from_job(job))))
    return max(codes, default=DONE)


def train(settings: Composed) -> int:
    """Trains one run and says what to look at; the exit code."""
    # Imported here: torch takes a second, and a misspelt key is answered before it.
    from seedbed.cli import progress
    from seedbed.cli.ending import say_ending
    from seedbed.cli.failing import failures_told
    from seedbed.training.interrupt import stop_request
    from seedbed.training.plan import prepare_run
    from seedbed.training.reporter import introduction
    from seedbed.training.run import run
    from seedbed.views.summary import model_table

    fast_start.imports_done()
    plan = prepare_run(settings.run, AllowList(settings.run.allow))
    with stop_request(), claimed(settings.directory) as directory:
        for note in (*settings.notes, *plan.notes):
            print(f"note: {note}")
        table = model_table(plan.model, plan.data.preprocessing.input_shape)
        print(table)
        print(introduction(plan))
        with logged(directory):
            for note in settings.notes:  # the plan's are logged when it starts
                log.info("note: %s", note)
            log.info("the model:\n%s", table.rstrip())
            write_hydra_files(hydra_files(settings, directory.root), directory)
            with failures_told(directory.log):
                result = run(plan, settings.plain, directory, progress.reporter())
    return say_ending(result, directory, plan)
