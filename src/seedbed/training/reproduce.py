"""Runs a run again and compares, bit for bit."""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from seedbed.config.hints import counted, joined
from seedbed.errors import CheckpointError, RunDirectoryError
from seedbed.runs.checkpoint import load
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_history, read_json

TOLERANCES = {"float32": 1e-4, "bfloat16": 0.05}
"""By precision, how far a run that was trained among others may be from the same run on its own:
rounding."""

SMALLEST = 1e-7
"""Losses and metrics below this are alike to a tolerance; near 0 a relative one means nothing."""

NOT_COMPARED = ("seconds",)
"""Columns of the history that no rerun repeats."""


@dataclass
class RunDifferences:
    """What two runs of one config have in common, and not.

    Args:
        differences: of history, metrics and weights; empty if the runs are identical.
        environment: what they were made with, where that differs.
    """

    differences: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Whether every number is the same, to the bit."""
        return not self.differences


def compared(before: RunPaths, after: RunPaths, tolerance: float = 0.0) -> RunDifferences:
    """Compares a run with its rerun.

    Args:
        before: the run.
        after: its rerun.
        tolerance: 0 for bit for bit; else the relative difference of a loss or a metric, and the
            difference of a weight, that rounding may make.

    Raises:
        RunDirectoryError, CheckpointError: if a file of either is missing or damaged.
    """
    _refuse_damage(before)
    differences = [
        *_history(read_history(before), read_history(after), tolerance),
        *_metrics(read_json(before.result), read_json(after.result), tolerance),
        *_weights(load(before.model), load(after.model), tolerance),
    ]
    made, again = read_json(before.environment), read_json(after.environment)
    if _same_files(made.get("data"), again.get("data")):
        made["data"] = {**made["data"], "files": again["data"]["files"]}
    return RunDifferences(differences, _environment(made, again))


def _same_files(before: Any, after: Any) -> bool:
    """Whether both were trained on the same files, which may lie elsewhere now."""
    named = [one.get("files") if isinstance(one, Mapping) else None for one in (before, after)]
    old, new = ([*one.values()] if isinstance(one, Mapping) else None for one in named)
    return old is not None and old == new


def _refuse_damage(paths: RunPaths) -> None:
    """Refuses files that are well-formed, but not those of a run."""
    for name in ("epoch", "step"):
        numbers = read_history(paths).get(name, [None])
        if not all(number is not None and math.isfinite(number) for number in numbers):
            raise RunDirectoryError(f"'{paths.history}' is damaged: {name} must be whole numbers")
    if not isinstance(read_json(paths.result).get("metrics"), dict):
        raise RunDirectoryError(f"'{paths.result}' is damaged: it has no metrics")
    weights = load(paths.model)
    named = isinstance(weights, dict) and all(isinstance(name, str) for name in weights)
    if not named or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise CheckpointError(f"'{paths.model}' holds no state_dict of plain tensors")


def _history(before: Mapping[str, Any], after: Mapping[str, Any], tolerance: float) -> list[str]:
    """The first difference: its epoch, step and column."""
    names = [name for name in before if name not in NOT_COMPARED]
    if names != [name for name in after if name not in NOT_COMPARED]:
        return [f"history.csv has the columns {', '.join(names)}, the rerun {', '.join(after)}"]
    for row in range(min(len(before["epoch"]), len(after["epoch"]))):
        for name in names:
            old, new = before[name][row], after[name][row]
            if not _same(old, new, tolerance):
                epoch, step = int(before["epoch"][row]), int(before["step"][row])
                return [f"history.csv, epoch {epoch}, step {step}: {name} was {old!r}, is {new!r}"]
    if len(before["epoch"]) != len(after["epoch"]):
        return [
            f"history.csv has {counted(len(before['epoch']), 'epoch')}, the rerun "
            f"{len(after['epoch'])}"
        ]
    return []


def _metrics(before: Mapping[str, Any], after: Mapping[str, Any], tolerance: float) -> list[str]:
    if before.get("status") != after.get("status"):
        return [f"the run was {before.get('status')}, the rerun is {after.get('status')}"]
    old, new = before.get("metrics", {}), after.get("metrics", {})
    return [
        f"result.json: {name} was {old.get(name)!r}, is {new.get(name)!r}"
        for name in {**old, **new}
        if not _same(old.get(name), new.get(name), tolerance)
    ]


def _weights(
    before: Mapping[str, Tensor], after: Mapping[str, Tensor], tolerance: float
) -> list[str]:
    if list(before) != list(after):
        return [printable(f"model.pth holds {joined(before)}, the rerun {joined(after)}")]
    differences = []
    for name, old in before.items():
        new = after[name]
        if old.shape != new.shape or old.dtype != new.dtype:
            differences.append(f"model.pth: {name} was {tuple(old.shape)}, is {tuple(new.shape)}")
        elif not _same_tensor(old, new, tolerance):
            apart = (old != new).nonzero()
            wide = torch.complex128 if old.is_complex() else torch.float64
            largest = (old.to(wide) - new.to(wide)).abs().max().item()
            differences.append(
                f"model.pth: {name} differs in {len(apart)} of {old.numel()} values, "
                f"by {largest:.3g} at most"
            )
    return differences


def _environment(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> list[str]:
    """Dotted keys whose values differ; what was typed, and where, is left out."""
    lines = []
    for key in {**before, **after}:
        where = f"{path}.{key}" if path else key
        old, new = before.get(key), after.get(key)
        if where in ("command", "folder") or old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            lines += _environment(old, new, where)
        else:
            long = "\n" in f"{old}{new}"
            lines.append(f"{where} differs" if long else f"{where} was {old}, is {new}")
    return lines


def _same(old: Any, new: Any, tolerance: float) -> bool:
    """Equal to the bit, or to the tolerance; NaN equals NaN."""
    if isinstance(old, float) and isinstance(new, float):
        if tolerance and math.isclose(old, new, rel_tol=tolerance, abs_tol=SMALLEST):
            return True
        return struct.pack("<d", old) == struct.pack("<d", new)
    return bool(old == new)


def _same_tensor(old: Tensor, new: Tensor, tolerance: float) -> bool:
    if tolerance and torch.allclose(old, new, rtol=tolerance, atol=tolerance, equal_nan=True):
        return True
    return torch.equal(_bits(old), _bits(new))


def _bits(tensor: Tensor) -> Tensor:
    """The bytes of a tensor; of a single number too, which has no last dimension to view."""
    return tensor.contiguous().reshape(-1).view(torch.uint8)
