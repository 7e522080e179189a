"""Finds the run directories below folders, and tells of each in one record.

Links are not followed, so that nothing is listed twice and no folder leads out.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seedbed.catalog.reading import read_record
from seedbed.catalog.record import FOREIGN, RunRecord
from seedbed.config.hints import did_you_mean
from seedbed.errors import RunDirectoryError
from seedbed.runs.files import printable
from seedbed.runs.layout import EVENT_PREFIX, SWEEP_JOBS, RunPaths

DEEPEST = 64
"""Levels below the folder that is looked at."""

OLDEST = datetime.min.replace(tzinfo=UTC)

_NAMES = RunPaths(Path())
STATUS, CONFIG, HYDRA = _NAMES.status.name, _NAMES.config.name, _NAMES.hydra.name
OWN_FOLDERS = frozenset((HYDRA, _NAMES.checkpoints.name))


@dataclass(frozen=True, slots=True)
class Place:
    """A directory that holds a run, or looks as if it did.

    Args:
        path: absolute.
        name: of it, below the folder that is looked at.
        sweep: directory of the sweep that it is a job of.
        problem: why it cannot be opened; empty if it can.
    """

    path: str
    name: str
    sweep: Path | None
    problem: str = ""


def find_runs(folders: Iterable[str | Path]) -> list[RunRecord]:
    """Every run below the folders, the newest first; what is no readable run has its status say so.

    Args:
        folders: to look in; a folder may be a run or a sweep itself.

    Raises:
        RunDirectoryError: if one of them is no folder.
    """
    places = {place.path: place for folder in folders for place in _places(Path(folder))}
    return newest_first([_record(place) for place in places.values()])


def newest_first(records: Iterable[RunRecord]) -> list[RunRecord]:
    """By the time that they were started; those that do not tell it last."""
    by_name = sorted(records, key=lambda one: one.name)
    return sorted(by_name, key=lambda one: one.started or OLDEST, reverse=True)


def _record(place: Place) -> RunRecord:
    if place.problem:
        return RunRecord(Path(place.path), place.name, FOREIGN, problem=place.problem)
    return read_record(Path(place.path), place.name, place.sweep)


def _places(folder: Path) -> Iterator[Place]:
    """The runs below one folder."""
    if not folder.is_dir():
        raise RunDirectoryError(_no_folder(folder))
    root = os.path.realpath(folder)
    sweep = Path(root).parent
    within = sweep if (sweep / SWEEP_JOBS).is_file() else None
    yield from _below(root, "", within, DEEPEST)


def _no_folder(folder: Path) -> str:
    if folder.exists():
        return f"'{folder}' is a file, not a folder of runs"
    near = [one.name for one in folder.parent.iterdir()] if folder.parent.is_dir() else []
    hint = did_you_mean(folder.name, map(printable, near))
    return f"no folder '{folder}'{hint or '; name a folder of runs: seedbed runs DIR'}"


def _below(path: str, name: str, sweep: Path | None, levels: int) -> Iterator[Place]:
    try:
        with os.scandir(path) as entries:
            names, folders = _names_and_folders(entries)
    except OSError as err:
        yield Place(path, name or Path(path).name, sweep, f"may not open it: {err.strerror}")
        return
    if STATUS in names or _looks_like_a_run(names):
        yield Place(path, name or Path(path).name, sweep)
    if levels:
        inside = Path(path) if SWEEP_JOBS in names else None
        for one in sorted(folders):
            below = f"{name}/{one}" if name else one
            yield from _below(f"{path}/{one}", below, inside, levels - 1)


def _names_and_folders(entries: Iterable["os.DirEntry[str]"]) -> tuple[set[str], Sequence[str]]:
    """All names of a folder, and those of the folders in which runs may be."""
    names, folders = set(), []
    for entry in entries:
        names.add(entry.name)
        hidden = entry.name.startswith(".") or entry.name in OWN_FOLDERS
        if not hidden and entry.is_dir(follow_symlinks=False):
            folders.append(entry.name)
    return names, folders


def _looks_like_a_run(names: set[str]) -> bool:
    """Whether another program's run is there, or one of ours in an older layout."""
    if CONFIG in names or HYDRA in names:
        return True
    return any(name.startswith(EVENT_PREFIX) for name in names)
