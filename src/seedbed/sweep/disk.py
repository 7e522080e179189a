"""How much of the disk a sweep will take, so that one too large is refused before it starts.

The figures below were measured on run directories of both engines; a test compares them with `du`.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed.config.hints import size_text
from seedbed.config.schema import RunConfig
from seedbed.errors import RunDirectoryError
from seedbed.runs.tar_members import BLOCK as TAR_BLOCK
from seedbed.training.averaging import EMA, SWA
from seedbed.training.run_components import RunComponents

BLOCK = 4096
"""Bytes that the smallest file takes, on ext4, xfs, apfs and ntfs alike."""

SMALL_FILES = 8
"""A block each: Hydra's three, config, status, result, environment and the log."""

SMALL_TEXT = 1200
"""Bytes that one of them has, on the mean; files of a pack fill no blocks."""

FOLDERS = 3
"""Of a run: itself, `.hydra/` and `checkpoints/`; a block each."""

LARGE_FILES = 6
"""Whose size is estimated: weights, two checkpoints, events, history and preprocessing."""

CELL_TEXT = 14
"""Bytes of a number in `history.csv`."""

CELL_PICKLED = 12
"""Of the same in a checkpoint, which holds the history."""

POINT, TAG = 25, 20
"""Bytes in the event file: of an epoch, and of each of its tags."""

SESSION = 1400
"""Bytes in the event file: its head, the settings and the end."""

TENSOR = 250
"""Bytes around each tensor in a checkpoint."""

RANDOM_STATE = 5056 + 1000
"""Bytes in a checkpoint: torch's generator, and names."""

PICTURE = 54_000
"""Bytes of `loss.png`, which is in the event file too."""

IN_TABLES = 600
"""Bytes of a job in `sweep.json` and `results.csv`, the former being written beside the old one."""


@dataclass(frozen=True)
class Footprint:
    """What the jobs of one kind have in common.

    Args:
        weights: bytes of the parameters and buffers.
        tensors: how many those are.
        optimizer: settings of the optimizer, the class's own defaults among them.
        metrics: columns of losses and metrics.
        preprocessing: bytes of `preprocessing.json`.
    """

    weights: int
    tensors: int
    optimizer: Mapping[str, Any]
    metrics: int
    preprocessing: int


def footprint(plan: RunComponents) -> Footprint:
    """Of the jobs that a prepared one stands for."""
    state = plan.model.state_dict().values()
    return Footprint(
        sum(tensor.numel() * tensor.element_size() for tensor in state),
        len(state),
        plan.optimizer.param_groups[0],
        len(plan.metric_names),
        len(str(plan.data.preprocessing.to_json())),
    )


def run_bytes(kind: Footprint, config: RunConfig) -> int:
    """Bytes of a finished run directory, whole blocks; of one in a pack, what it takes there.

    Args:
        kind: of the run.
        config: of the run.
    """
    epochs, cells = config.trainer.epochs, kind.metrics + 4  # epoch, step, lr, seconds
    copies = _copies_of_weights({**kind.optimizer, **_set(config.optimizer)})
    copies += config.trainer.select in (EMA, SWA)
    tensors = kind.tensors * (1 + copies + (copies > 1))  # Adam counts the steps of each
    state = RANDOM_STATE + epochs * cells * CELL_PICKLED
    checkpoint = state + kind.weights * (1 + copies) + tensors * TENSOR
    picture = PICTURE // 2 if config.sweep.plot else 0
    files = [
        kind.weights + kind.tensors * TENSOR + 1000,
        checkpoint,
        checkpoint,
        SESSION + epochs * (POINT + TAG * (kind.metrics + 1)) + picture,
        (epochs + 1) * cells * CELL_TEXT,
        kind.preprocessing,
        picture,
    ]
    if config.sweep.layout == "packed":
        files += [SMALL_TEXT] * SMALL_FILES
        return sum(-(-size // TAR_BLOCK) * TAR_BLOCK + TAR_BLOCK for size in files)
    blocks = sum(-(-size // BLOCK) for size in files)
    return BLOCK * (blocks + SMALL_FILES + FOLDERS)


def refuse_too_large(directory: Path, jobs: Sequence[tuple[Footprint, RunConfig]]) -> None:
    """Compares what a sweep needs with what is free.

    Args:
        directory: of the sweep; need not be there yet.
        jobs: each with its kind.

    Raises:
        RunDirectoryError: if the disk has not as many bytes, or the file system not as many files.
    """
    parent = next(path for path in (directory, *directory.resolve().parents) if path.is_dir())
    needed = sum(run_bytes(kind, config) + IN_TABLES for kind, config in jobs)
    free = shutil.disk_usage(parent).free
    if needed > free:
        _refuse(directory, len(jobs), size_text(needed), f"{size_text(free)} free", free / needed)
    own = [config for _, config in jobs if config.sweep.layout == "directories"]
    files = len(own) * (SMALL_FILES + FOLDERS + LARGE_FILES)
    free_files = _free_files(parent)
    if free_files is not None and files > free_files:
        room = f"room for {free_files} more"
        _refuse(directory, len(jobs), f"{files} files and folders", room, free_files / files)


def _refuse(directory: Path, jobs: int, needed: str, free: str, fraction: float) -> None:
    raise RunDirectoryError(
        f"{jobs} jobs need about {needed}, and the disk of '{directory}' has {free}; type fewer "
        f"jobs (about {int(jobs * fraction)} fit), or another hydra.sweep.dir"
    )


def _free_files(parent: Path) -> int | None:
    """Files that can still be made; None where the file system does not count them."""
    if not hasattr(os, "statvfs"):  # Windows
        return None
    stats = os.statvfs(parent)
    return stats.f_favail if stats.f_files else None


def _set(optimizer: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that are not off: jobs of a kind may differ in them, and the first is not the most.

    A momentum of 0 stays what the scheduler made of it; one cycle gives SGD a momentum.
    """
    return {key: value for key, value in optimizer.items() if value}


def _copies_of_weights(optimizer: Mapping[str, Any]) -> int:
    """Numbers that the optimizer keeps for each weight."""
    momentum = bool(optimizer.get("momentum"))
    if "betas" in optimizer:
        return 2 + bool(optimizer.get("amsgrad"))
    if "alpha" in optimizer:  # RMSprop
        return 1 + bool(optimizer.get("centered")) + momentum
    if "lr_decay" in optimizer:  # Adagrad
        return 1
    return int(momentum) if "momentum" in optimizer else 2
