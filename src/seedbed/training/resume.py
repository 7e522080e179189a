"""Takes up a run where its last checkpoint left it, to the bit."""

import os
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seedbed.config.schema import RunConfig
from seedbed.errors import CheckpointError, ConfigError, DataError, RunDirectoryError
from seedbed.runs import checkpoint
from seedbed.runs.checkpoint import Snapshot
from seedbed.runs.files import printable
from seedbed.runs.layout import EVENT_PREFIX, RunPaths
from seedbed.runs.reader import read_json
from seedbed.training.data_folder import elsewhere
from seedbed.training.other_generators import restore_others
from seedbed.training.plan import Plan
from seedbed.training.state import Best, TrainingState

MOST_THREADS = 1024
"""Torch makes as many as it is told to."""


def _refuse_absurd(config: RunConfig) -> None:
    """Refuses numbers of threads and processes that would bring the machine down.

    Raises:
        ConfigError: naming the key.
    """
    workers = max(64, 4 * (os.cpu_count() or 1))
    for key, number, most in (
        ("trainer.threads", config.trainer.threads or 1, MOST_THREADS),
        ("loader.num_workers", config.loader.num_workers, workers),
    ):
        if number > most:
            raise ConfigError(f"{key} of the run is {number}; more than {most} are not started")


def load_snapshot(paths: RunPaths) -> Snapshot | None:
    """The last checkpoint of a run, or None if it had not come to one.

    Raises:
        CheckpointError: if it is damaged, or of another version of Seedbed.
    """
    if not paths.last.is_file():
        return None
    snapshot = checkpoint.load(paths.last)
    if not isinstance(snapshot, dict) or snapshot.get("format") != checkpoint.FORMAT:
        raise CheckpointError(f"'{paths.last}' is no checkpoint that this version can resume")
    try:
        events = snapshot["events"]
        _state(snapshot["state"])
        if not isinstance(events, int) or events < 0:
            raise TypeError(f"events is {events!r}")
        _try_random(snapshot["random"])
    except (KeyError, OverflowError, RuntimeError, TypeError, ValueError) as err:
        raise CheckpointError(f"'{paths.last}' is damaged: {_said(err)}") from err
    sizes = [path.stat().st_size for path in paths.root.glob(f"{EVENT_PREFIX}.*")]
    return {**snapshot, "events": min([events, *sizes])}


def load_best(paths: RunPaths) -> Snapshot | None:
    """The checkpoint of the best epoch so far, or None.

    Raises:
        CheckpointError: if it is damaged.
    """
    if not paths.best.is_file():
        return None
    best = checkpoint.load(paths.best)
    if not isinstance(best, dict) or not isinstance(best.get("model"), dict):
        raise CheckpointError(f"'{paths.best}' is damaged: it holds no model")
    return best


def restored(plan: Plan, snapshot: Snapshot, paths: RunPaths) -> TrainingState:
    """Puts a checkpoint into a fresh plan.

    Args:
        plan: built from the run's config; its model, optimizer and schedule are changed in place.
        snapshot: what `Recorder.snapshot` made.
        paths: of the run, for errors.

    Raises:
        CheckpointError: if it is of another model, or damaged.
    """
    checkpoint.load_weights(plan.model, snapshot.get("model"), paths.last)
    engine = plan.engine
    try:
        engine.optimizer.load_state_dict(snapshot["optimizer"])
        scheduler = engine.schedule.scheduler
        if scheduler is not None:
            if set(snapshot["scheduler"]) != set(scheduler.state_dict()):
                raise ValueError("the scheduler is another")  # it would take any attribute
            scheduler.load_state_dict(snapshot["scheduler"])
        engine.scaler.load_state_dict(snapshot["scaler"])
        if engine.head.state:
            engine.head.loss_function.load_state_dict(snapshot["loss"])
        return _state(snapshot["state"])
    except Exception as err:  # torch raises many kinds on a state that is not its own
        raise CheckpointError(f"'{paths.last}' does not go with the config: {_said(err)}") from err


def refuse_changed_data(plan: Plan, paths: RunPaths) -> None:
    """Compares the data as read now with the run's.

    Raises:
        DataError: naming the file that changed since.
        RunDirectoryError: if the run does not say what its data was.
    """
    before = read_json(paths.environment).get("data", {})
    if not isinstance(before, dict) or not isinstance(before.get("files", {}), dict):
        raise RunDirectoryError(f"'{paths.environment}' is damaged: it does not tell the data")
    now = plan.data.fingerprint
    for file, digest in before.get("files", {}).items():
        if now.get("files", {}).get(file, digest) != digest:
            raise DataError(
                f"data: '{file}' has changed since the run '{paths.root}'"
                f"{elsewhere(Path(str(file)), paths)}"
            )
    if before.get("sha256") != now.get("sha256") or before.get("rows") != now.get("rows"):
        raise DataError(f"data: the rows are not those of the run '{paths.root}'")
    _refuse_changed_sample(before.get("sample"), now.get("sample"), paths)


def _refuse_changed_sample(before: Any, now: Any, paths: RunPaths) -> None:
    """Of a Dataset of one's own; older runs have none, nor have rows that are never the same."""
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return
    for part, digest in now.items():
        if before.get(part, digest) != digest:
            raise DataError(
                f"data.{part}: the Dataset gives other rows than those of the run '{paths.root}'; "
                "what it reads has changed since, or its class"
            )


def with_threads(config: RunConfig, paths: RunPaths) -> RunConfig:
    """The config with as many threads as the run had; sums over a batch depend on them.

    Raises:
        ConfigError: if it asks for more than any machine has.
    """
    _refuse_absurd(config)
    threads = read_json(paths.environment).get("threads")
    known = type(threads) is int and 1 <= threads <= MOST_THREADS
    if config.trainer.threads is not None or not known:
        return config
    return replace(config, trainer=replace(config.trainer, threads=threads))


def _state(plain: Any) -> TrainingState:
    """The state in a checkpoint.

    Raises:
        KeyError, TypeError, ValueError: if it is not one.
    """
    state = TrainingState(**{**plain, "best": Best(**plain["best"])})
    counts = (state.epoch, state.batch, state.step, state.best.epoch)
    if any(type(count) is not int or count < 0 for count in (*counts, state.best.epochs_since)):
        raise TypeError("its counts must be whole numbers >= 0")
    numbers = (state.loss_sum, state.rows_seen, state.lr, state.best.value)
    if not all(type(number) in (int, float) for number in numbers):
        raise TypeError("its losses must be numbers")
    if not state.rows_seen >= 0:
        raise ValueError("rows_seen must be >= 0")
    if not isinstance(state.history, list) or len(state.history) != state.epoch:
        raise ValueError("its history must have a row for each epoch")
    for row in state.history:
        if not isinstance(row, dict) or any(
            type(value) not in (int, float) for value in row.values()
        ):
            raise TypeError("a row of its history must hold numbers")
    return state


def _try_random(states: Any) -> None:
    """Puts the states into generators of their own, before a run is begun with them."""
    if not isinstance(states, Mapping) or "cpu" not in states:
        raise TypeError("it has no state of the random numbers")
    if not all(isinstance(state, torch.Tensor) for state in states.values()):
        raise TypeError("the state of its random numbers must be tensors")
    for name in ("cpu", f"{checkpoint.SHARED}cpu"):
        if name in states:
            torch.Generator().set_state(states[name])
    restore_others(states, random.Random(), np.random.RandomState())


def _said(err: Exception) -> str:
    return printable(" ".join(str(err).split()))[:160] or type(err).__name__
