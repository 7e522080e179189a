"""One run, from top to bottom: the article's loop, with everything around it that a run needs.

plan = prepare_run(config, AllowList())
result = run(plan, plain, claim(Path("outputs/mine")))
"""

import contextlib
import logging
import time
import traceback
from collections.abc import Mapping
from typing import Any

from seedbed.data.seeds import stream_seed
from seedbed.errors import RunDirectoryError, SeedbedError
from seedbed.models.shared_values import kept_to_the_run
from seedbed.raised import reason
from seedbed.recording.recorder import Recorder
from seedbed.recording.results import Measured, closing_text, epochs_of
from seedbed.runs import checkpoint
from seedbed.runs.checkpoint import Snapshot
from seedbed.runs.code import code_of
from seedbed.runs.directory import RunDirectory, Status
from seedbed.runs.environment import environment
from seedbed.runs.files import write_json, write_yaml
from seedbed.training.arithmetic import arithmetic
from seedbed.training.device import process_settings
from seedbed.training.interrupt import StopRequest, stop_request
from seedbed.training.monitoring import Undefined
from seedbed.training.other_generators import restore_others
from seedbed.training.plan import Plan
from seedbed.training.reporter import Logged, Reporter, Silent
from seedbed.training.resume import load_best, restored
from seedbed.training.state import Diverged, HistoryRow, Interrupted, TrainingState
from seedbed.training.unsaved import Unsaved

log = logging.getLogger("seedbed")

REPORT_SECONDS = 0.1
"""Least time between two words about progress within an epoch."""


def run(
    plan: Plan,
    plain: Mapping[str, Any],
    directory: RunDirectory,
    reporter: Reporter | None = None,
    *,
    draw: bool = True,
    resumed: Snapshot | None = None,
) -> dict[str, Any]:
    """Trains a prepared run and leaves a complete run directory.

    Args:
        plan: built by `prepare_run`; its model is trained in place.
        plain: the resolved config, for `config.yaml`.
        directory: claimed for this run alone; released at the end.
        reporter: hears of the progress.
        draw: whether to leave `loss.png`.
        resumed: the checkpoint to go on from; None to begin.

    Returns:
        The content of `result.json`; its `status` is completed, diverged or interrupted.

    Raises:
        RunDirectoryError: if the disk is full or may not be written.
        KeyboardInterrupt: if the user asked twice to stop.
        Exception: whatever the user's own model or data raises; the status is failed then.
    """
    reporter = Logged(reporter or Silent())
    with stop_request() as stop:
        try:
            return _begun(plan, plain, directory, reporter, stop, draw=draw, resumed=resumed)
        except BaseException as err:
            log.error(traceback.format_exc())
            # What is interrupted may raise anything: an import does, and so do a loader's workers.
            stopped = isinstance(err, KeyboardInterrupt) or (
                stop.requested and not isinstance(err, SeedbedError)
            )
            with contextlib.suppress(RunDirectoryError):  # the disk may be what failed
                directory.write_status("interrupted" if stopped else "failed", reason(err))
            if stopped:
                raise KeyboardInterrupt from err
            raise
        finally:
            directory.release()


def _begun(
    plan: Plan,
    plain: Mapping[str, Any],
    directory: RunDirectory,
    reporter: Reporter,
    stop: StopRequest,
    *,
    draw: bool,
    resumed: Snapshot | None,
) -> dict[str, Any]:
    state = TrainingState(best=plan.best)
    if resumed is not None:  # first: a checkpoint that does not fit leaves the files as they are
        state = restored(plan, resumed, directory)
    _write_beginning(plan, plain, directory)
    seed = stream_seed(plan.config.seed, "training")
    with (
        process_settings(plan.config.trainer, plan.engine.device, seed, plan.threads),
        kept_to_the_run(plan.packages, seed),
        Recorder(plan, plain, directory, resumed) as recorder,
    ):
        recorder.good = recorder.snapshot(state)
        if resumed is not None:
            checkpoint.restore_random(resumed["random"], plan.engine.device)
            restore_others(resumed["random"])
            recorder.good = load_best(directory) or recorder.good
        return _train(plan, state, recorder, reporter, stop, draw=draw)


def _write_beginning(plan: Plan, plain: Mapping[str, Any], directory: RunDirectory) -> None:
    directory.write_status("running")
    write_json(directory.preprocessing, plan.data.preprocessing.to_json())
    write_json(
        directory.environment,
        environment(
            str(plan.engine.device),
            plan.threads,
            arithmetic(plan.config.trainer),
            dict(plan.data.fingerprint),
            code_of(plain),
        ),
    )
    # Last: where there is a config, a run that was killed finds all that it needs to go on.
    write_yaml(directory.config, dict(plain))


def _train(
    plan: Plan,
    state: TrainingState,
    recorder: Recorder,
    reporter: Reporter,
    stop: StopRequest,
    *,
    draw: bool,
) -> dict[str, Any]:
    if plan.config.trainer.log_graph and not state.step:
        recorder.write_graph()
    status: Status = "completed"
    error = None
    unsaved = Unsaved(plan)
    reporter.started(plan)
    spent = sum(row["seconds"] for row in state.history)
    started = time.perf_counter()
    try:
        _epochs(plan, state, recorder, reporter, stop)
    except Diverged as err:
        status, error = "diverged", str(err)
    except Interrupted as err:
        status, error = "interrupted", str(err)
    finally:
        reporter.ended()
    seconds = spent + time.perf_counter() - started
    for note in unsaved.notes():
        reporter.note(note)
    if status != "diverged":
        recorder.save_last(state)
    elif not recorder.has_last:
        checkpoint.save(recorder.directory.last, recorder.good)
    recorder.save_best()
    metrics = _final_metrics(plan, state, recorder, status)
    if draw:
        recorder.draw(state)
    result = recorder.finish(status, state, metrics, seconds, error)
    log.info(closing_text(result, plan.config.trainer.epochs))
    if error:
        log.error("%s: %s", status, error)
    return result


def _epochs(
    plan: Plan, state: TrainingState, recorder: Recorder, reporter: Reporter, stop: StopRequest
) -> None:
    """The article's loop: every epoch, every batch."""
    engine, trainer = plan.engine, plan.config.trainer
    patience = trainer.early_stopping.patience
    engine.model.train()
    undefined = Undefined()
    while state.epoch < trainer.epochs and not _stopped_early(state, patience):
        began = reported = time.perf_counter()
        for x, y in plan.train.epoch(state.epoch, state.batch):
            engine.record(state, engine.step(x, y), y)
            recorder.step_done(state)
            if stop.requested:
                engine.settle(state)
                raise Interrupted(f"stopped in epoch {state.epoch + 1} after step {state.step}")
            if time.perf_counter() - reported > REPORT_SECONDS:
                reporter.batch_done(state.epoch, state.batch, len(plan.train))
                reported = time.perf_counter()
        engine.settle(state)
        engine.check_weights(state)
        row = _close_epoch(plan, state, began)
        is_best = state.best.update(row)
        # While there is no best epoch, the latest is what is kept.
        recorder.epoch_done(state, row, is_best=is_best or not state.best.epoch)
        reporter.epoch_done(row)
        if note := undefined.note(state.best, row):
            reporter.note(note)


def _stopped_early(state: TrainingState, patience: int | None) -> bool:
    return patience is not None and state.best.epochs_since >= patience


def _close_epoch(plan: Plan, state: TrainingState, began: float) -> HistoryRow:
    """Measures the validation rows, moves the schedule on, and adds a row to the history."""
    row: HistoryRow = {"epoch": state.epoch + 1, "step": state.step}
    row["train/loss"] = state.close_epoch(is_sum=plan.engine.head.is_sum)
    if "validation" in plan.parts:
        measured = plan.engine.evaluate(plan.parts["validation"])
        row |= {f"val/{name}": value for name, value in measured.items()}
    plan.engine.schedule.after_epoch(row[state.best.monitor])
    row["lr"] = state.lr
    row["seconds"] = round(time.perf_counter() - began, 6)
    state.history.append(row)
    return row


def _final_metrics(
    plan: Plan, state: TrainingState, recorder: Recorder, status: Status
) -> Measured:
    """Chooses the weights that `model.pth` holds, writes it, and measures them on every part."""
    metrics: dict[str, float] = {}
    if state.history:
        metrics["train/loss"] = state.history[-1]["train/loss"]
    validated = "validation" in plan.parts
    keep_best = validated and plan.config.trainer.select == "best"
    epoch = state.epoch
    if (keep_best and state.best.epoch) or status == "diverged":
        assert recorder.good is not None
        plan.model.load_state_dict(recorder.good["model"])
        if "loss" in recorder.good:
            plan.engine.head.loss_function.load_state_dict(recorder.good["loss"])
        epoch = recorder.good["state"]["epoch"]
    checkpoint.save(recorder.directory.model, checkpoint.copied(plan.model.state_dict()))
    for part, prefix in (("validation", "val"), ("test", "test")):
        if part in plan.parts:
            measured = plan.engine.evaluate(plan.parts[part])
            metrics |= {f"{prefix}/{name}": value for name, value in measured.items()}
    return Measured(metrics, epochs_of(metrics, state.epoch, epoch))
