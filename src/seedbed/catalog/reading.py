"""Reads what a run directory tells, which may be a stranger's, in one record."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from seedbed.catalog.config_text import flat_settings, group_choices, references
from seedbed.catalog.record import BROKEN, FOREIGN, RunRecord
from seedbed.errors import RunDirectoryError
from seedbed.runs.files import UNPRINTABLE, printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.living import is_being_made
from seedbed.runs.notes import read_notes
from seedbed.runs.opening import allocated
from seedbed.runs.reader import read_json, read_text, written_status
from seedbed.runs.status import GONE, Status
from seedbed.runs.stored import is_stored, open_stored

FACTS = ("task", "parameters", "engine", "device", "loss")

LARGEST_CONFIG = 2**20
"""Bytes; to read more of YAML takes seconds, which a table of runs has not."""

LAST_LINES = 65536
"""Bytes at the end of `history.csv` in which its last row is looked for."""

NOT_METRICS = ("epoch", "step", "lr", "seconds")
"""Columns of `history.csv`."""


def settled(record: RunRecord) -> RunRecord:
    """A record as it was read, made true for now: whether a run that says so still goes on."""
    if record.status not in (Status.RUNNING, Status.PENDING):
        return record
    if is_being_made(record.path):
        return replace(record, seconds=_since(record.started))
    if record.status == Status.RUNNING:
        return replace(record, status=Status.INTERRUPTED, problem=GONE)
    problem = f"has no {RunPaths(record.path).config.name}: it ended before it began ({GONE})"
    return replace(record, status=BROKEN, problem=problem)


def read_record(path: Path, name: str, sweep: Path | None) -> RunRecord:
    """The run in a directory, as its files say; never raises what the files are to blame for.

    A run that was killed still says that it is running; `settled` looks whether it is.

    Args:
        path: of the directory.
        name: of it, below the folder that is looked at.
        sweep: directory of the sweep that it is a job of.
    """
    paths = RunPaths(path)
    try:
        if UNPRINTABLE.search(str(path)):
            raise RunDirectoryError("its name has control characters; rename it first")
        if not is_stored(paths.status):
            return RunRecord(
                path,
                name,
                FOREIGN,
                sweep,
                problem=f"has no {paths.status.name}: not a run of ours, or of an older layout",
            )
        return _read(paths, name, sweep)
    except RunDirectoryError as err:
        return RunRecord(path, name, BROKEN, sweep, problem=err.problems[0])


def _read(paths: RunPaths, name: str, sweep: Path | None) -> RunRecord:
    status = written_status(paths)
    if not is_stored(paths.config):
        return _without_config(paths, name, sweep, status)
    settings = _settings(paths)
    result = _result(paths, status)
    started = _moment(status.get("started"))
    notes = read_notes(paths)
    if result is None:
        last = last_epoch(paths)
        epoch, metrics = last.pop("epoch", None), last
        best, seconds = {}, None
    else:
        metrics, best = _trained(paths, result), _numbers(paths, result, "best")
        epoch, seconds = _number(result.get("epochs")), _number(result.get("seconds"))
    epochs = settings.get("trainer.epochs")
    return RunRecord(
        path=paths.root,
        name=name,
        status=status["status"],
        sweep=sweep,
        started=started,
        seconds=seconds,
        epoch=_whole(epoch),
        epochs=epochs if type(epochs) is int else None,
        settings=settings,
        choices=group_choices(_hydras(paths, "hydra.yaml")),
        follows=references(_hydras(paths, "config.yaml")),
        metrics=metrics,
        best=best,
        facts={k: result[k] for k in FACTS if result and isinstance(result.get(k), str | int)},
        higher_is_better=directions(result or {}),
        tags=notes.tags,
        note=notes.note,
        problem=str(status.get("error") or ""),
    )


def _without_config(
    paths: RunPaths, name: str, sweep: Path | None, status: Mapping[str, Any]
) -> RunRecord:
    """A run that has not begun, or never will."""
    if status["status"] == Status.RUNNING:
        return RunRecord(paths.root, name, Status.PENDING, sweep, _moment(status.get("started")))
    why = status.get("error") or status["status"]
    raise RunDirectoryError(f"has no {paths.config.name}: it ended before it began ({why})")


def _settings(paths: RunPaths) -> dict[str, Any]:
    try:
        return flat_settings(_small_text(paths.config))
    except yaml.YAMLError as err:
        problem = " ".join(str(err).split())[:200]
        raise RunDirectoryError(f"its {paths.config.name} is not plain YAML: {problem}") from err


def _result(paths: RunPaths, status: Mapping[str, Any]) -> dict[str, Any] | None:
    """The content of `result.json`; None where it is of an earlier end, or there is none yet."""
    if not is_stored(paths.result):
        if status["status"] == Status.COMPLETED:
            raise RunDirectoryError(f"is completed and has no {paths.result.name}")
        return None
    result = read_json(paths.result)
    return result if result.get("status") == status["status"] else None


def _trained(paths: RunPaths, result: Mapping[str, Any]) -> dict[str, float]:
    """The metrics, without those of weights that no epoch has trained: they tell of no setting."""
    measured_at = result.get("measured_at")
    epochs = measured_at if isinstance(measured_at, dict) else {}
    found = _numbers(paths, result, "metrics")
    return {name: value for name, value in found.items() if epochs.get(name) != 0}


def _numbers(paths: RunPaths, result: Mapping[str, Any], key: str) -> dict[str, float]:
    """Numbers by name; null, which stands for what is not defined, becomes NaN."""
    values = result.get(key)
    if not isinstance(values, dict):
        raise RunDirectoryError(f"'{paths.result}' is damaged: {key} is no mapping")
    numbers = {name: math.nan if one is None else _number(one) for name, one in values.items()}
    wrong = [name for name, one in numbers.items() if one is None]
    if wrong:
        raise RunDirectoryError(f"'{paths.result}' is damaged: {key} '{wrong[0]}' is no number")
    return {name: one for name, one in numbers.items() if one is not None}


def last_epoch(paths: RunPaths) -> dict[str, float]:
    """The last row of `history.csv`: its epoch and metrics; empty where there is none yet."""
    try:
        with open_stored(paths.history) as file:
            names = file.readline(LAST_LINES).decode().rstrip("\r\n").split(",")
            file.seek(max(file.tell(), file.seek(0, os.SEEK_END) - LAST_LINES))
            last = file.read().decode(errors="replace").split()[-1].split(",")
        cells = {k: float(v) if v else math.nan for k, v in zip(names, last, strict=True)}
        return {printable(k): v for k, v in cells.items() if k == "epoch" or k not in NOT_METRICS}
    except (OSError, RunDirectoryError, ValueError, IndexError):
        return {}


def _hydras(paths: RunPaths, name: str) -> str:
    """A file that Hydra wrote of the run; empty where it cannot be read."""
    try:
        return _small_text(paths.hydra / name)
    except RunDirectoryError:
        return ""


def _small_text(path: Path) -> str:
    if allocated(path) > LARGEST_CONFIG:
        size = LARGEST_CONFIG // 2**20
        raise RunDirectoryError(f"its {path.name} is larger than {size} MiB")
    return read_text(path)


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _since(started: datetime | None) -> float | None:
    return None if started is None else max(0.0, time.time() - started.timestamp())


def directions(result: Mapping[str, Any]) -> dict[str, bool | None]:
    """What a result tells of metrics that are not Seedbed's: whether higher is better."""
    told = result.get("higher_is_better")
    if not isinstance(told, dict):
        return {}
    return {printable(str(k)): v for k, v in told.items() if isinstance(v, bool | None)}


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and math.isfinite(value) else None
