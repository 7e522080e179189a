"""What differs between two run directories that should hold the same numbers, read by others' code.

The event file is read record by record: TensorBoard's own view would hide a step written twice.
"""

import csv
from pathlib import Path
from typing import Any

import torch
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from seedbed.runs.layout import EVENT_PREFIX, RunPaths
from seedbed.runs.reader import read_json

RESULTS = ("status", "metrics", "best", "epochs", "steps")


def differences(whole: RunPaths, resumed: RunPaths) -> list[str]:
    """One line for each file that differs, and for each that was left behind."""
    found = [
        f"{name} differs"
        for name, read in (
            ("model.pth", lambda run: torch.load(run.model, weights_only=True)),
            ("best.pt", lambda run: torch.load(run.best, weights_only=True)),
            ("last.pt", lambda run: torch.load(run.last, weights_only=True)),
            ("history.csv", lambda run: _history(run.history)),
            ("result.json", lambda run: [read_json(run.result)[key] for key in RESULTS]),
            ("the event file", lambda run: _points(run.root)),
            ("status.json", lambda run: read_json(run.status)["status"]),
        )
        if not _same(_without_times(read(whole)), _without_times(read(resumed)))
    ]
    names = [{_name(path, run) for path in run.root.rglob("*")} for run in (whole, resumed)]
    if names[0] != names[1]:
        found.append(f"files: {sorted(names[0] ^ names[1])}")
    return found


def _name(path: Path, run: RunPaths) -> str:
    name = str(path.relative_to(run.root))
    return EVENT_PREFIX if name.startswith(EVENT_PREFIX) else name


def _points(folder: Path) -> list[tuple[str, int, float]]:
    """Every point and every other record of the one event file, in order."""
    (path,) = folder.glob(f"{EVENT_PREFIX}.*")
    points = []
    for record in RawEventFileLoader(str(path)).Load():
        event = Event.FromString(record)
        for value in event.summary.value:
            points.append((value.tag, event.step, value.simple_value))
        if event.file_version:
            points.append(("file_version", 0, 0.0))
    return points


def _history(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def _without_times(value: Any) -> Any:
    """The same without what no two runs share: seconds, and the length of the event file."""
    if isinstance(value, dict):
        return {k: _without_times(v) for k, v in value.items() if k not in ("seconds", "events")}
    if isinstance(value, list | tuple):
        return [_without_times(item) for item in value]
    return value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):  # NaN is the same as NaN; Python's generator has one
        return bool(one.dtype == other.dtype and one.numpy().tobytes() == other.numpy().tobytes())
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other or (one != one and other != other))
