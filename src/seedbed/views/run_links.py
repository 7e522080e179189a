"""Folders of links to runs, in which TensorBoard finds those and no others.

A folder is locked by the process that made it. One that was killed leaves its folder, without the
lock, and the next dashboard takes it away.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from seedbed.catalog.record import RunRecord
from seedbed.errors import ArgumentError, RunDirectoryError, SeedbedError
from seedbed.runs.layout import LOCK
from seedbed.runs.lock import DirectoryLock, is_being_written

PREFIX = "seedbed_dashboard_"


@contextmanager
def folder_of(runs: Sequence[RunRecord]) -> Iterator[Path]:
    """A folder with nothing but links to the runs, under their names; gone at the end.

    Raises:
        ArgumentError: if this machine makes no links.
    """
    made, lock = _locked_folder()
    try:
        above = os.path.commonpath([run.path.parent for run in runs])
        for run in runs:
            link = made / run.path.relative_to(above)  # its name in TensorBoard
            link.parent.mkdir(parents=True, exist_ok=True)
            try:
                link.symlink_to(run.path, target_is_directory=True)
            except OSError as err:
                raise ArgumentError(
                    f"cannot link '{run.path}' for TensorBoard: {err.strerror}; type --best 0 "
                    "without --filter, which needs no links"
                ) from err
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if lock is not None:
            lock.release()


def remove_left() -> None:
    """Takes away the folders of dashboards whose processes are gone.

    Nothing but links, folders and locks is removed, and nothing that is somebody else's.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}????????"):
        with suppress(OSError, SeedbedError):
            if _is_own_folder(path):
                lock = DirectoryLock(path)  # fails while its process lives
                _remove(path)
                lock.release()


def _locked_folder() -> tuple[Path, DirectoryLock | None]:
    """An empty folder, and its lock; None where the system locks none, and none is taken away."""
    while True:
        made = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock: DirectoryLock | None = None
        with suppress(RunDirectoryError):
            lock = DirectoryLock(made)
        if made.exists() and (lock is not None or not is_being_written(made)):
            return made, lock
        if lock is not None:  # a dashboard that began just now has taken it for one that was left
            lock.release()


def _is_own_folder(path: Path) -> bool:
    state = path.lstat()
    return stat.S_ISDIR(state.st_mode) and (os.name == "nt" or state.st_uid == os.getuid())


def _remove(folder: Path) -> None:
    """As far as it holds what a dashboard makes; what else is there stays, with its folders."""
    for above, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            path = Path(above, name)
            if path.is_symlink() or (path.parent == folder and name == LOCK):
                path.unlink()
        with suppress(OSError):
            Path(above).rmdir()
