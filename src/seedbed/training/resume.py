"""Takes up a run where its last checkpoint left it, to the bit."""

import os
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from seedbed.config.schema import RunConfig
from seedbed.data.prepared import PreparedData
from seedbed.errors import CheckpointError, ConfigError, DataError, RunDirectoryError
from seedbed.runs import checkpoint
from seedbed.runs.checkpoint import Checkpoint
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths, event_files
from seedbed.runs.reader import read_json
from seedbed.runs.stored import is_stored, stored_bytes, stored_names
from seedbed.training.data_folder import elsewhere
from seedbed.training.other_generators import restore_others
from seedbed.training.state import TrainingState
from seedbed.training.training import Training

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


def load_snapshot(paths: RunPaths) -> Checkpoint | None:
    """The last checkpoint of a run, or None if it had not come to one.

    Raises:
        CheckpointError: if it is damaged, or of another version of Seedbed.
    """
    if not is_stored(paths.last):
        return None
    snapshot = checkpoint.load(paths.last)
    if not isinstance(snapshot, dict) or snapshot.get("format") != checkpoint.FORMAT:
        raise CheckpointError(f"'{paths.last}' is no checkpoint that this version can resume")
    try:
        events = snapshot["events"]
        TrainingState.from_plain(snapshot["state"])
        if not isinstance(events, int) or events < 0:
            raise TypeError(f"events is {events!r}")
        _try_random(snapshot["random"])
    except (KeyError, OverflowError, RuntimeError, TypeError, ValueError) as err:
        raise CheckpointError(f"'{paths.last}' is damaged: {_said(err)}") from err
    sizes = [stored_bytes(paths.root / name) for name in event_files(stored_names(paths.root))]
    found: Checkpoint = {**snapshot, "events": min([events, *sizes])}  # type: ignore[typeddict-item]
    return found


def load_best(paths: RunPaths) -> Checkpoint | None:
    """The checkpoint of the best epoch so far, or None.

    Raises:
        CheckpointError: if it is damaged.
    """
    if not is_stored(paths.best):
        return None
    best = checkpoint.load(paths.best)
    if not isinstance(best, dict) or not isinstance(best.get("model"), dict):
        raise CheckpointError(f"'{paths.best}' is damaged: it holds no model")
    return cast(Checkpoint, best)


def restore(
    training: Training,
    model: nn.Module,
    last: Checkpoint,
    best: Checkpoint | None,
    paths: RunPaths,
) -> None:
    """Puts a run's checkpoints into a fresh training.

    Args:
        training: of this run alone.
        model: that is trained.
        last: the checkpoint to go on from.
        best: of the best epoch; `last` stands for one that is not there.
        paths: of the run, for errors.

    Raises:
        CheckpointError: if they are of another model, or damaged.
    """
    checkpoint.refuse_other_weights(model, last.get("model"), paths.last)
    try:
        training.restore([last], [best or last])
    except Exception as err:  # torch raises many kinds on a state that is not its own
        raise CheckpointError(f"'{paths.last}' does not go with the config: {_said(err)}") from err


def refuse_changed_data(data: PreparedData, paths: RunPaths) -> None:
    """Compares the data as read now with the run's.

    Raises:
        DataError: naming the file that changed since.
        RunDirectoryError: if the run does not say what its data was.
    """
    before = read_json(paths.environment).get("data", {})
    if not isinstance(before, dict) or not isinstance(before.get("files", {}), dict):
        raise RunDirectoryError(f"'{paths.environment}' is damaged: it does not tell the data")
    now = data.fingerprint
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


def with_ranks(config: RunConfig, paths: RunPaths) -> RunConfig:
    """The config with as many ranks as the run had, where it leaves that to the machine."""
    ranks, trainer = read_json(paths.environment).get("ranks"), config.trainer
    known = type(ranks) is int and 1 <= ranks <= MOST_THREADS
    is_open = trainer.is_ranked and trainer.devices in (None, "auto")
    if not known or not is_open or "RANK" in os.environ:
        return config
    return replace(config, trainer=replace(trainer, devices=ranks))


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
