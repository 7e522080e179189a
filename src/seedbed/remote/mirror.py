"""Writes a run's or a sweep's folder to its URL, while it is made and at its end."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from seedbed.remote.names import is_ours, rank
from seedbed.remote.store import Store
from seedbed.remote.urls import Url

Stamp = tuple[int, int, int]
"""Of a file here: when it was written, its size and its inode."""

MOST_OPEN = 200
"""Files that are held open at once."""


class Mirror:
    """What of a folder is at its URL already.

    Args:
        store: that has it.
        url: of the run or the sweep.
        folder: of it here.
    """

    def __init__(self, store: Store, url: Url, folder: Path) -> None:
        self.store, self.url, self.folder = store, url, folder
        self.written: dict[str, Stamp] = {}

    def is_behind(self) -> bool:
        """Whether anything has changed here since it was written there."""
        return any(True for _ in self._changed())

    def go_on_from(self, names: set[str]) -> None:
        """Takes what lies there, and here unchanged since, as written."""
        self.written = {name: stamp for name, stamp in self._files() if name in names}

    def write(self) -> None:
        """Writes what has changed, a run's own status after all else of it.

        Raises:
            StoreError: if the store does not take it; what it took is not written again.
        """
        runs: dict[str, list[tuple[str, Stamp]]] = {}
        for name, stamp in self._changed():
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
                    stamp = _stamp(os.fstat(numbers[name]))
                    self.store.write(self.url.below(name), numbers[name])
                    self.written[name] = stamp

    def _changed(self) -> Iterator[tuple[str, Stamp]]:
        return (one for one in self._files() if self.written.get(one[0]) != one[1])

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        for above, folders, names in os.walk(self.folder):
            below = Path(above).relative_to(self.folder)
            folders.sort()
            for name in sorted(names):
                path = (below / name).as_posix()
                if is_ours(path):
                    with suppress(OSError):
                        yield path, _stamp(os.lstat(Path(above) / name))


def _run_of(name: str) -> str:
    """The folder of a run below a sweep's; empty for files of the folder itself."""
    above = name.rpartition("/")[0]
    if above in (".hydra", "checkpoints") or not above:
        return ""
    head, _, below = above.rpartition("/")
    return head if below in (".hydra", "checkpoints") else above


def _stamp(state: os.stat_result) -> Stamp:
    return (state.st_mtime_ns, state.st_size, state.st_ino)
