"""Reads the files of runs wherever they are: in a run directory or, where there is none, in a pack.

A directory in its place is believed over a pack, and a later pack over an earlier one. Who looks
at many runs reads them so; who opens one has it unpacked (`unpacking.py`).
"""

# ruff: noqa: PTH116, PTH118, PTH208 - tables of runs ask for thousands of files

import errno
import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from itertools import islice
from pathlib import Path

from seedbed.errors import PackReplacedError, RunDirectoryError
from seedbed.runs import lock
from seedbed.runs.files import open_plain
from seedbed.runs.layout import run_and_name
from seedbed.runs.pack import Pack, is_pack_name, number_of

Stamp = tuple[int, int, int, int]
"""Of a file: when it was written and changed, its size and its inode."""


READINGS = 3
"""Of a file that another host replaces meanwhile: a client of NFS finds its own handle stale."""

LISTED = ""
"""Stands for the listing of a folder among the names of files that were looked at."""

SETTLED = 100_000_000
"""Nanoseconds; a folder that changed later may change again without changing its time."""


class Packs:
    """The packs of a sweep, as they stand now; each is read again once it has changed.

    Args:
        sweep: its directory.
    """

    def __init__(self, sweep: str) -> None:
        self.sweep = sweep
        self._known: dict[str, tuple[Stamp, Pack]] = {}
        self._names: list[str] = []
        self._listed: tuple[int, int] = (-1, -1)
        self._steady: set[str] | None = None
        self._where: dict[str, Pack] | None = None
        self._damaged: list[RunDirectoryError] = []

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Inside, each is looked at once, whatever it becomes, for who reads many runs of them."""
        before = self._steady
        if before is None:
            self._steady = set()
        try:
            yield
        finally:
            self._steady = before
            self._where = None

    def of(self, run: str, latest: int | None = None) -> Pack | None:
        """The pack that has a run; None if none has.

        Args:
            run: the name of its folder.
            latest: the number of a pack, of which later ones are known not to have it.

        Raises:
            RunDirectoryError: if a pack is damaged that may have it.
        """
        damaged: list[RunDirectoryError] = []
        if self._steady is not None and latest is None:
            return self._in_any(run)
        names = self._listing()
        start = 0 if latest is None else bisect_left(names, -latest, key=lambda n: -number_of(n))
        for name in islice(names, start, None):
            known = self._known.get(name)
            if known and known[1].contents.is_whole and run not in known[1].runs:
                continue  # it grows no more
            pack = self._now(name, damaged)
            if pack is not None and run in pack.runs:
                return pack
        if damaged:
            raise damaged[0]
        return None

    def _in_any(self, run: str) -> Pack | None:
        """As `of`: to look through all packs for each run takes the square of their number."""
        if self._where is None:
            where: dict[str, Pack] = {}
            self._damaged = []
            for pack in reversed(self.every(self._damaged)):
                where |= dict.fromkeys(pack.runs, pack)
            self._where = where
        found = self._where.get(run)
        if found is None and self._damaged:
            raise self._damaged[0]
        return found

    def every(self, damaged: list[RunDirectoryError] | None = None) -> list[Pack]:
        """All of them, the latest first.

        Args:
            damaged: gets what is wrong with those that are damaged; None to have it raised.

        Raises:
            RunDirectoryError: if one is damaged.
        """
        found = [self._now(name, damaged) for name in self._listing()]
        return [pack for pack in found if pack is not None]

    def forget(self, pack: Pack) -> None:
        """Reads a pack again where it is asked for next."""
        self._known.pop(pack.path.name, None)
        self._where = None

    def _listing(self) -> list[str]:
        """Names of the files, the latest first."""
        if self._steady is not None and LISTED in self._steady:
            return self._names
        try:
            state = os.stat(self.sweep or ".")
            stands = (state.st_mtime_ns, state.st_ino)
            if stands != self._listed:
                names = filter(is_pack_name, os.listdir(self.sweep or "."))
                self._names = sorted(names, key=number_of, reverse=True)
                is_old = time.time_ns() - state.st_mtime_ns > SETTLED
                self._listed = stands if is_old else (-1, -1)
        except OSError:
            return []
        if self._steady is not None:
            self._steady.add(LISTED)
        return self._names

    def _now(self, name: str, damaged: list[RunDirectoryError] | None) -> Pack | None:
        known = self._known.get(name)
        if known is not None and self._steady is not None:
            if name in self._steady:
                return known[1]
            self._steady.add(name)
        path = os.path.join(self.sweep, name)
        stamp = stamp_of(path)
        if stamp is None:
            self._known.pop(name, None)
            self._listed = (-1, -1)
            return None
        if known is None or known[0] != stamp:
            self._known.pop(name, None)
            try:
                known = self._known[name] = (stamp, Pack(Path(path)))
            except FileNotFoundError:
                return None
            except RunDirectoryError as err:
                if damaged is None:
                    raise
                damaged.append(err)
                return None
        return known[1]


_sweeps: dict[str, Packs] = {}
"""Whose packs were read in this process."""

MOST_SWEEPS = 64


def packs_of(sweep: str | Path) -> Packs:
    """The packs of a sweep, which need not have any."""
    sweep = os.fspath(sweep)
    found = _sweeps.get(sweep)
    if found is None:
        if len(_sweeps) >= MOST_SWEEPS:
            _sweeps.clear()
        found = _sweeps[sweep] = Packs(sweep)
    return found


def stamp_of(path: str) -> Stamp | None:
    """How a file stands; None if it is not there."""
    try:
        state = os.lstat(path)
    except OSError:
        return None
    return (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino)


def pack_of(root: str | Path) -> Pack | None:
    """The pack that stands in for a run directory; None where that is there, or no pack has it."""
    return _pack_of(*os.path.split(root))


def _pack_of(sweep: str, run: str) -> Pack | None:
    if not run or os.path.lexists(os.path.join(sweep, run)):
        return None
    return packs_of(sweep).of(run)


def is_directory(root: Path) -> bool:
    """Whether a run directory is there, or a pack stands in for it."""
    return root.is_dir() or pack_of(root) is not None


def open_stored(path: Path) -> BufferedReader:
    """Opens a file of a run to read, which a stranger may have made; see `open_plain`.

    Raises:
        FileNotFoundError: if there is none.
        RunDirectoryError: if it is a link, a pipe, a device or a folder, or may not be read.
    """
    try:
        return open_plain(path)
    except FileNotFoundError:
        sweep, run, name = run_and_name(path)
        pack = _pack_of(sweep, run)
        if pack is None:
            raise
    try:
        return pack.open(run, name)
    except PackReplacedError:
        packs_of(sweep).forget(pack)
        pack = _pack_of(sweep, run)
        if pack is None:
            raise FileNotFoundError(path) from None
        return pack.open(run, name)


def read_stored(path: Path, most: int) -> bytes:
    """The beginning of a file of a run, also where it is replaced just then on a shared disk.

    Args:
        path: of the file, which may be a stranger's.
        most: bytes to be read.

    Raises:
        FileNotFoundError, RunDirectoryError: as `open_stored`.
        OSError: if it cannot be read.
    """
    for left in reversed(range(READINGS)):
        try:
            with open_stored(path) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                return file.read(min(size, most))  # to ask for 32 MiB takes longer than to read
        except OSError as err:
            if err.errno != errno.ESTALE or not left:
                raise
    raise AssertionError


def is_stored(path: Path) -> bool:
    """Whether a run has the file, or something else has its name."""
    return os.path.lexists(path) or _size_in_pack(path) is not None


def stored_bytes(path: Path) -> int:
    """How large a file of a run is; 0 if it is not there."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return _size_in_pack(path) or 0


def stored_names(root: Path) -> list[str]:
    """The names of the files in a run's directory, without those in folders below it."""
    try:
        return [one.name for one in root.iterdir()]
    except OSError:
        pack = pack_of(root)
        return [name for name in pack.contents.files(root.name) if "/" not in name] if pack else []


def is_being_written(root: Path) -> bool:
    """Whether a live process writes a run, in its directory or in a pack."""
    if os.path.lexists(root):
        return lock.is_being_written(root)
    pack = pack_of(root)
    return pack is not None and lock.is_being_written(pack.path)


def runs_in_packs(sweep: Path) -> Mapping[str, Pack]:
    """The runs of a sweep that are in packs which can be read, by the names of their folders."""
    packs = packs_of(sweep).every([])
    return {run: pack for pack in reversed(packs) for run in pack.runs}


def numbers_of_packs(sweep: Path, runs: Iterable[str]) -> dict[str, int]:
    """Of runs that are in packs, by the names of their folders: the number of the latest pack."""
    packed = runs_in_packs(sweep)
    return {run: number_of(packed[run].path.name) for run in runs if run in packed}


def refuse_damaged_packs(sweep: Path) -> None:
    """Refuses to train the runs of a sweep again that a damaged pack may hold.

    Raises:
        RunDirectoryError: naming the pack, and what to do.
    """
    damaged: list[RunDirectoryError] = []
    packs_of(sweep).every(damaged)
    if damaged:
        raise RunDirectoryError(
            f"{damaged[0].problems[0]}; put a good copy in its place, or move it away to have its "
            "runs trained again"
        )


def _size_in_pack(path: Path) -> int | None:
    sweep, run, name = run_and_name(path)
    pack = _pack_of(sweep, run)
    place = pack.contents.place(run, name) if pack is not None else None
    return None if place is None else place[1]
