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
from seedbed.runs.files import write_bytes
from seedbed.runs.layout import HELD, LOCK, event_files
from seedbed.runs.lock import DirectoryLock, is_being_written
from seedbed.runs.pack import Pack
from seedbed.runs.stored import pack_of

PREFIX = "seedbed_dashboard_"


@contextmanager
def folder_of(runs: Sequence[RunRecord]) -> Iterator[Path]:
    """A folder with nothing but links to the runs, under their names; gone at the end.

    Of a run in a pack it holds the event file.


    Raises:
        ArgumentError: if this machine makes no links.
    """
    made, lock = _locked_folder()
    try:
        above = os.path.commonpath([run.path.parent for run in runs])
        for run in runs:
            link = made / run.path.relative_to(above)  # its name in TensorBoard
            link.parent.mkdir(parents=True, exist_ok=True)
            if (pack := pack_of(run.path)) is not None:
                _write_events(pack, run.path.name, link)
                continue
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


def _write_events(pack: Pack, run: str, folder: Path) -> None:
    """The event file of a run that is in a pack, which TensorBoard does not read."""
    folder.mkdir()
    for name in event_files(pack.contents.files(run)):
        write_bytes(folder / name, pack.read(run, name))


def remove_left() -> None:
    """Takes away the folders of dashboards whose processes are gone.

    Nothing but links, folders, locks and event files is removed, and nothing of somebody else's.
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
            is_lock = path.parent == folder and name in (LOCK, HELD)
            if path.is_symlink() or is_lock or (path.is_file() and event_files([name])):
                path.unlink()
        with suppress(OSError):
            Path(above).rmdir()
