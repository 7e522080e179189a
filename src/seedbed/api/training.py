"""Trains one run from a composed config, and checks one without training."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.api.building import built
from seedbed.api.following import followed_run, is_follower
from seedbed.api.messages import Messages, Trained
from seedbed.api.pinning import with_fingerprints
from seedbed.compose.composed import ComposedConfig, hydra_files
from seedbed.config.schema import RunConfig
from seedbed.errors import ArgumentError, RunFailedError, SeedbedError
from seedbed.raised import reason
from seedbed.remote.mirrored import mirrored
from seedbed.remote.places import shown, url_of
from seedbed.runs.beginning import logged, write_hydra_files
from seedbed.runs.directory import claimed
from seedbed.runs.files import writing
from seedbed.runs.layout import RunPaths
from seedbed.runs.removal import keep_log_alone

if TYPE_CHECKING:
    from torch import nn


log = logging.getLogger("seedbed")


@contextmanager
def as_run_failure(log: Path | None = None) -> Iterator[None]:
    """Turns what is raised inside into one line.

    Args:
        log: of the run, which has the traceback; None if it is not kept.

    Raises:
        RunFailedError: with the line of the user's own code; also where it would end the process.
    """
    try:
        yield
    except SeedbedError:
        raise
    except (Exception, SystemExit) as err:
        where = f"{log} has the traceback" if log else "SEEDBED_DEBUG=1 shows where"
        raise RunFailedError(f"{reason(err)}; {where}") from err


def train_run(settings: ComposedConfig, messages: Messages, *, keep_start: bool = False) -> Trained:
    """Trains one run into the directory that its config names.

    Args:
        settings: composed and checked.
        messages: hears what is trained, and how that goes.
        keep_start: whether the starting weights are kept, which the config does not give again.

    Raises:
        SeedbedError: if a part cannot be built, or the directory cannot be written.
        RunFailedError: if a part of the user's own raises while it trains.
        KeyboardInterrupt: if the user asked twice to stop.
    """
    # Imported here: torch takes a second, and a misspelt key is answered before it.
    from seedbed.recording.run import run
    from seedbed.training.interrupt import stop_request
    from seedbed.training.reporter import introduction
    from seedbed.views.summary import model_table

    _refuse_log_at_url(settings)
    progress = messages.run_progress()
    (settings,) = with_fingerprints([settings])
    plan = built(settings.config)
    if is_follower(settings.config.resolved):
        with as_run_failure():
            return followed_run(plan, messages)
    with (
        stop_request(),
        mirrored(settings.directory) as upload,
        ExitStack() as at_end,
        claimed(settings.directory) as directory,
    ):
        if settings.config.trainer.fast_dev_run:
            at_end.callback(keep_log_alone, directory)
        for note in (*settings.notes, *plan.notes):
            messages.note(note)
        table = model_table(plan.model, plan.data.preprocessing.row_form)
        messages.line(table)
        messages.line(introduction(plan))
        with logged(directory):
            for note in settings.notes:  # the plan's are logged when it starts
                log.info("note: %s", note)
            log.info("the model:\n%s", table.rstrip())
            write_hydra_files(hydra_files(settings, directory.root), directory)
            if keep_start:
                save_start(directory.start, plan.model)
            with as_run_failure(directory.log):
                result = run(plan, directory, progress)
    trained = Trained(result, RunPaths(directory.root), plan)
    messages.run_ended(trained)
    upload.refuse_unwritten()
    return trained


def _refuse_log_at_url(settings: ComposedConfig) -> None:
    if settings.config.trainer.fast_dev_run and url_of(settings.directory) is not None:
        raise ArgumentError(
            "trainer.fast_dev_run=true keeps the log alone, and on this machine; type "
            f"hydra.run.dir=FOLDER in place of {shown(settings.directory)}"
        )


def refuse_log_alone(config: RunConfig) -> None:
    """Refuses `trainer.fast_dev_run` where a run is to be given back.

    Raises:
        ArgumentError: with what to type.
    """
    if config.trainer.fast_dev_run:
        raise ArgumentError(
            "trainer.fast_dev_run=true keeps the log alone, so there would be no run to give "
            "back; type trainer.limit_batches=2 trainer.epochs=1"
        )


def train_called_back(
    settings: ComposedConfig, messages: Messages, *, keep_start: bool = False
) -> Trained:
    """As `train_run`, between the callbacks of `hydra.callbacks` where there are any."""
    if not settings.hydra["callbacks"]:
        return train_run(settings, messages, keep_start=keep_start)
    from seedbed.compose.callbacks import called_back

    return called_back(
        settings,
        lambda one: train_run(one, messages, keep_start=keep_start),
        lambda trained: {"status": trained.status, **trained.result["metrics"]},
        messages.line,
    )


def save_start(path: Path, model: "nn.Module") -> None:
    """Keeps the starting weights of a module that a program built, to begin with them again."""
    from seedbed.runs import checkpoint

    with writing(path):
        path.parent.mkdir(exist_ok=True)
    checkpoint.save(path, checkpoint.copied(dict(model.state_dict())))
