"""Finds the run directories below folders, and tells of each in one record.

Links are not followed, so that nothing is listed twice and no folder leads out; nor are file
systems that are mounted below, of which one is `/proc`.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seedbed.catalog.index import Index
from seedbed.catalog.reading import read_record, settled
from seedbed.catalog.record import BROKEN, FOREIGN, NO_ROW, RunRecord
from seedbed.catalog.stamps import Stamp
from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import RunDirectoryError
from seedbed.runs.files import printable
from seedbed.runs.layout import EVENT_PREFIX, SWEEP_JOBS, RunPaths
from seedbed.runs.pack import is_pack_name
from seedbed.runs.stored import packs_of, runs_in_packs
from seedbed.runs.unpacking import unpack_in_place

OUTPUTS = "outputs"
"""Where runs are looked for, unless a folder is named."""

DEEPEST = 64
"""Levels below the folder that is looked at."""

INDEX_LEVELS = 3
"""Below a folder with an index: in a project a run is `outputs/NAME/RUN`, a sweep alike. Above, as
in a home folder or at the root of a disk, none is written."""

MOST_NAMED = 3
"""Folders that are not looked into, by name."""

Watch = Callable[[int, int], object]
"""Hears now and then how many folders were looked into, and how many runs were found."""

OLDEST = datetime.min.replace(tzinfo=UTC)

_NAMES = RunPaths(Path())
STATUS, CONFIG, HYDRA = _NAMES.status.name, _NAMES.config.name, _NAMES.hydra.name
OWN_FOLDERS = frozenset((HYDRA, _NAMES.checkpoints.name))


@dataclass(frozen=True)
class Found:
    """What lies below folders.

    Args:
        records: of all runs, the newest first, and of what is no readable run.
        notes: what a person should know.
    """

    records: list[RunRecord]
    notes: list[str]


def find_runs(folders: Iterable[str | Path]) -> list[RunRecord]:
    """Every run below the folders, the newest first; what is no readable run has its status say so.

    Args:
        folders: to look in; a folder may be a run or a sweep itself.

    Raises:
        RunDirectoryError: if one of them is no folder.
    """
    return search(folders).records


def search(folders: Iterable[str | Path], watch: Watch | None = None) -> Found:
    """As `find_runs`, with what is to be said of it.

    Args:
        folders: as there.
        watch: hears how far it is.
    """
    records: dict[str, RunRecord] = {}
    notes = []
    for folder in folders:
        root = _root(Path(folder))
        looking = _Search(root, watch)
        for record in looking.below(root, "", _sweep_above(root), DEEPEST):
            records.setdefault(str(record.path), record)
        notes += looking.closed()
    return Found(newest_first(map(settled, records.values())), notes)


def newest_first(records: Iterable[RunRecord]) -> list[RunRecord]:
    """By the time that they were started; those that do not tell it last."""
    by_name = sorted(records, key=lambda one: one.name)
    return sorted(by_name, key=lambda one: one.started or OLDEST, reverse=True)


class _Search:
    """Looks below one folder.

    Args:
        root: the folder; an index in a run directory would be a file among the run's.
        watch: hears how far it is.
    """

    def __init__(self, root: str, watch: Watch | None = None) -> None:
        names = {one.name for one in Path(root).iterdir()} if os.access(root, os.R_OK) else set()
        self.root = root
        self.index = Index(root, keep=not _is_run(names))
        self._device = Path(root).stat().st_dev
        self._watch = watch
        self._folders = self._runs = 0
        self._nearest = DEEPEST
        self._mounted: list[str] = []

    def closed(self) -> list[str]:
        """Writes the index, where it belongs into the folder; what is to be said at the end."""
        self.index.close(belongs=self._nearest <= INDEX_LEVELS)
        notes = []
        if self.index.problem:
            notes.append(f"{self.index.problem}; so all runs are read again each time")
        if self._mounted:
            named = joined([f"'{printable(one)}'" for one in self._mounted], MOST_NAMED)
            notes.append(f"other file systems are not looked into unless they are named: {named}")
        return notes

    def _count(self, name: str, *, run: bool) -> None:
        self._folders += not run
        self._runs += run
        if run:
            self._nearest = min(self._nearest, name.count("/") + bool(name))
        if self._watch is not None:
            self._watch(self._folders, self._runs)

    def _is_mounted(self, path: str) -> bool:
        """Whether another file system begins in a folder, which is told then."""
        try:
            mounted = os.lstat(path).st_dev != self._device
        except OSError:
            return False
        if mounted:
            self._mounted.append(path)
        return mounted

    def below(self, path: str, name: str, sweep: Path | None, levels: int) -> Iterator[RunRecord]:
        """The runs in a folder and below it, as they were read.

        Args:
            path: of the folder.
            name: of it, below the root; empty for the root.
            sweep: the folder above, if it holds a sweep.
            levels: how deep to look.
        """
        known = self.index.known(name, path, sweep)
        if known is not None:
            record, nested = known
            self._count(name, run=True)
            yield record
            if not nested:
                return
        elif self._is_mounted(path):
            return
        self._count(name, run=False)
        try:
            with os.scandir(path) as entries:
                names, folders = _names_and_folders(entries)
        except FileNotFoundError:  # removed while we look
            return
        except OSError as err:
            problem = f"may not open it: {err.strerror}"
            yield RunRecord(Path(path), name or Path(path).name, FOREIGN, sweep, problem=problem)
            return
        if known is None and _is_run(names):
            record = self._read(path, name, sweep, nested=bool(folders))
            if record.status not in NO_ROW or os.path.lexists(path):  # else removed while we look
                yield record
        inside = Path(path) if SWEEP_JOBS in names else None
        if inside is not None:
            self._nearest = min(self._nearest, name.count("/") + bool(name))
        for one in sorted(folders) if levels else []:
            below = f"{name}/{one}" if name else one
            yield from self.below(f"{path.rstrip('/')}/{one}", below, inside, levels - 1)
        if inside is not None and any(map(is_pack_name, names)):
            yield from self._in_packs(inside, name, {*folders})

    def _in_packs(self, sweep: Path, name: str, folders: set[str]) -> Iterator[RunRecord]:
        """The runs of a sweep that have no directory of their own."""
        damaged: list[RunDirectoryError] = []
        packs_of(sweep).every(damaged)
        for err in damaged:
            yield RunRecord(sweep, name or sweep.name, BROKEN, sweep, problem=err.problems[0])
        with packs_of(sweep).steady():
            for run in sorted(runs_in_packs(sweep).keys() - folders):
                below, path = f"{name}/{run}" if name else run, f"{sweep}/{run}"
                known = self.index.known(below, path, sweep)
                if known is not None:
                    self._count(below, run=True)
                yield known[0] if known else self._read(path, below, sweep, nested=False)

    def _read(self, path: str, name: str, sweep: Path | None, *, nested: bool) -> RunRecord:
        self._count(name, run=True)
        stamp = Stamp(path)
        record = read_record(Path(path), name or Path(path).name, sweep)
        self.index.add(name, stamp, record, nested=nested)
        return record


def _root(folder: Path) -> str:
    unpack_in_place(folder)
    if folder.is_dir():
        return os.path.realpath(folder)
    if folder.exists():
        raise RunDirectoryError(f"'{folder}' is a file, not a folder of runs")
    near = [one.name for one in folder.parent.iterdir()] if folder.parent.is_dir() else []
    hint = did_you_mean(folder.name, map(printable, near))
    raise RunDirectoryError(
        f"no folder '{folder}'{hint or f'; name one that has runs below it, such as {OUTPUTS}'}"
    )


def _sweep_above(root: str) -> Path | None:
    above = Path(root).parent
    return above if (above / SWEEP_JOBS).is_file() else None


def _names_and_folders(entries: Iterable["os.DirEntry[str]"]) -> tuple[set[str], list[str]]:
    """All names of a folder, and those of the folders in which runs may be."""
    names, folders = set(), []
    for entry in entries:
        names.add(entry.name)
        hidden = entry.name.startswith(".") or entry.name in OWN_FOLDERS
        if not hidden and entry.is_dir(follow_symlinks=False):
            folders.append(entry.name)
    return names, folders


def _is_run(names: set[str]) -> bool:
    """Whether a run is there: ours, another program's, or one in an older layout."""
    if STATUS in names or CONFIG in names or HYDRA in names:
        return True
    return any(name.startswith(EVENT_PREFIX) for name in names)
