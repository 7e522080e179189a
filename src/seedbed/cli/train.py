"""`seedbed train`: one run, or with -m a sweep."""

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbed.cli import hydra_flags
from seedbed.cli.ending import say_ending
from seedbed.cli.main import DONE
from seedbed.config.build import AllowList
from seedbed.config.compose import Composed, composed, from_job, hydra_files
from seedbed.errors import SeedbedError
from seedbed.runs.beginning import logged, write_hydra_files
from seedbed.runs.directory import claim


def main(words: Sequence[str]) -> int:
    """Trains; the exit code."""
    args = hydra_flags.parse(words)
    if hydra_flags.wants_hydra(args):
        return _through_hydra(words, args)
    folder = hydra_flags.user_folder(args)
    path = Path(args.config_path) if args.config_path else None
    return train(composed(args.overrides, folder, args.config_name or "config", path))


def _through_hydra(words: Sequence[str], args: Any) -> int:
    codes: list[int] = []
    hydra_flags.through_hydra(words, args, lambda job: codes.append(train(from_job(job))))
    if args.multirun and not codes:
        from seedbed.cli import sweep

        return sweep.exit_code()
    return max(codes, default=DONE)


def train(settings: Composed) -> int:
    """Trains one run and says what to look at; the exit code."""
    # Imported here: torch takes a second, and a misspelt key is answered before it.
    from seedbed.cli import progress
    from seedbed.training.plan import prepare_run
    from seedbed.training.run import run
    from seedbed.views.summary import model_table

    plan = prepare_run(settings.run, AllowList(settings.run.allow))
    directory = claim(settings.directory)
    for note in plan.data.notes:
        print(f"note: {note}")
    print(model_table(plan.model, plan.data.preprocessing.input_shape))
    print(_introduction(plan))
    gc.freeze()
    gc.enable()
    with logged(directory):
        write_hydra_files(hydra_files(settings, directory.root), directory)
        try:
            result = run(plan, settings.plain, directory, progress.reporter())
        except SeedbedError:
            raise
        except Exception as err:
            reason = " ".join(str(err).split())
            raise RuntimeError(f"{type(err).__name__}: {reason} (see {directory.log})") from err
    return say_ending(result, directory, plan)


def _introduction(plan: Any) -> str:
    config, preprocessing = plan.config, plan.data.preprocessing
    kind = preprocessing.task
    if preprocessing.classes:
        kind = f"{len(preprocessing.classes)} classes"
    held_out = "".join(f", {batches.rows} for {name}" for name, batches in plan.parts.items())
    loss = plan.engine.objective.loss_name.rpartition(".")[2]
    optimizer = type(plan.engine.optimizer).__name__
    return (
        f"{plan.train.rows} rows to train on{held_out} ({kind}); {loss}, {optimizer}; "
        f"{_counted(config.trainer.epochs, 'epoch')} of "
        f"{_counted(len(plan.train), 'batch', 'batches')} on {plan.engine.device}"
    )


def _counted(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"
