"""Writes a run's or a sweep's folder to its URL, while it is made and at its end.

What a run takes away here, such as the checkpoints of an earlier start, goes there too: a run that
was brought from there would go on from them.
"""

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from seedbed.remote.names import is_ours, rank
from seedbed.remote.store import Store, StoreError
from seedbed.remote.urls import Url
from seedbed.runs.layout import SWEEP_JOBS, RunPaths
from seedbed.runs.pack import is_pack_name

Stamp = tuple[int, int, int]
"""Of a file here: when it was written, or what tells that, its size and its inode."""

STATUS = RunPaths(Path()).status.name

LEFT: Stamp = (0, 0, 0)
"""Of what lies there from before and is here no more."""

MOST_OPEN = 200
"""Files that are held open at once."""


class LeftThereError(StoreError):
    """All is written, and something that is gone here stays there, maybe for a while."""


class Mirror:
    """What of a folder is at its URL already.

    Args:
        store: that has it.
        url: of the run or the sweep.
        folder: of it here.

    Attributes:
        written: how each file stood that is there.
        refusal: why the store did not let something be taken away the last time; empty if it did.
    """

    def __init__(self, store: Store, url: Url, folder: Path) -> None:
        self.store, self.url, self.folder = store, url, folder
        self.written: dict[str, Stamp] = {}
        self.refusal = ""

    def stamp(self, path: Path) -> Stamp | None:
        """How a file stands here; None if there is none. A heartbeat changes nothing of it."""
        with suppress(OSError):
            return _stamp(path.name, path.lstat(), path.read_bytes)
        return None

    def go_on_from(self, names: set[str]) -> None:
        """Takes what lies there, and here unchanged since, as written."""
        here = dict(self._files())
        self.written = {name: here.get(name, LEFT) for name in names if is_ours(name)}

    def write(self) -> None:
        """Writes what has changed, a run's own status after all else of it.

        What is gone here is taken away there. Packs go at the end: what they had is in others then.

        Raises:
            LeftThereError: if that may be tried again later; all else is written.
            StoreError: if the store does not take it; what it took is not written again.
        """
        here, self.refusal = dict(self._files()), ""
        gone = [name for name in self.written if name not in here and self._is_gone(name)]
        packs = [name for name in gone if is_pack_name(name)]
        left = self._take_away(name for name in gone if name not in packs)
        self._write_changed(here)
        if left := left or self._take_away(packs):
            raise LeftThereError(self.refusal, passing=True) from left

    def _is_gone(self, name: str) -> bool:
        """Whether a file is no more in a run or a sweep, which is here still."""
        above = self.folder / _run_of(name)
        there = (above / STATUS, above / SWEEP_JOBS)
        return any(map(os.path.isfile, there)) and not os.path.lexists(self.folder / name)

    def _take_away(self, names: Iterable[str]) -> StoreError | None:
        """Takes away objects; a key that may only write leaves them there.

        Returns:
            Why the others are left for later; None where there is nothing to be tried again.
        """
        for name in names:
            try:
                self.store.remove(self.url.below(name))
            except StoreError as err:
                if not isinstance(err.__cause__, FileNotFoundError):
                    self.refusal = str(err)
                    if err.passing:
                        return err
                    continue
            del self.written[name]
        return None

    def _write_changed(self, here: Mapping[str, Stamp]) -> None:
        runs: dict[str, list[tuple[str, Stamp]]] = {}
        for name, stamp in here.items():
            if self.written.get(name) == stamp:
                continue
            runs.setdefault(_run_of(name), []).append((name, stamp))
        for run in sorted(runs, key=lambda one: (one == "", one)):  # the sweep's own files last
            changed = sorted(runs[run], key=lambda one: rank(one[0]))
            for start in range(0, len(changed), MOST_OPEN):
                self._write(changed[start : start + MOST_OPEN])

    def _write(self, files: list[tuple[str, Stamp]]) -> None:
        """Writes files as they stand together: what is written last is opened first.

        Each is replaced whole while it is made, or grows; so a checkpoint never tells of more of an
        event file than there is of it.
        """
        with ExitStack() as opened:
            numbers = {}
            for name, _ in reversed(files):
                with suppress(FileNotFoundError):  # it may be gone, as a run is taken back
                    number = os.open(self.folder / name, os.O_RDONLY)
                    opened.callback(os.close, number)
                    numbers[name] = number
            for name, _ in files:
                if name in numbers:
                    stamp = _stamp_of_open(name, numbers[name])
                    self.store.write(self.url.below(name), numbers[name])
                    self.written[name] = stamp

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        for above, folders, names in os.walk(self.folder):
            below = Path(above).relative_to(self.folder)
            folders.sort()
            for name in sorted(names):
                path = (below / name).as_posix()
                if is_ours(path) and (stamp := self.stamp(Path(above) / name)) is not None:
                    yield path, stamp


def _run_of(name: str) -> str:
    """The folder of a run below a sweep's; empty for files of the folder itself."""
    above = name.rpartition("/")[0]
    if above in (".hydra", "checkpoints") or not above:
        return ""
    head, _, below = above.rpartition("/")
    return head if below in (".hydra", "checkpoints") else above


def _stamp_of_open(name: str, number: int) -> Stamp:
    state = os.fstat(number)
    return _stamp(name, state, lambda: os.pread(number, state.st_size, 0))


def _stamp(name: str, state: os.stat_result, content: Callable[[], bytes]) -> Stamp:
    """Of a file; heartbeats touch a status or a pack, which are told by what they are otherwise.

    A status is small; a pack grows at its end, or is another file.
    """
    last, moment = name.rpartition("/")[2], state.st_mtime_ns
    if last == STATUS:
        moment = zlib.crc32(content())
    elif is_pack_name(last):
        moment = 0
    return (moment, state.st_size, state.st_ino)
