"""A run directory while the run is being made: claimed by one process, its status kept true."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

from seedbed.errors import DirectoryTakenError, RunDirectoryError
from seedbed.process import signals
from seedbed.runs.files import json_text, remove_unfinished, writing
from seedbed.runs.heartbeat import heartbeat_of
from seedbed.runs.layout import HELD, LOCK, SWEEP_JOBS, SWEEP_PROCESS, RunPaths
from seedbed.runs.living import refuse_made_elsewhere
from seedbed.runs.lock import DirectoryLock
from seedbed.runs.moment import Moment
from seedbed.runs.owner import (
    OWNER,
    identity,
    is_of_another,
    owner_told,
    read_told,
    refuse_gone,
    taken,
)
from seedbed.runs.run_files import ON_DISK, RunFiles
from seedbed.runs.same_files import SameFiles
from seedbed.runs.status import GONE, Status

STAMP = "%Y-%m-%d_%H-%M-%S-%f"
"""How the name of a run directory ends, unless the user names it; as in `conf/config.yaml`."""

_ours: dict[Path, "RunDirectory"] = {}
"""Directories that this process holds now."""


class RunDirectory(RunPaths):
    """A directory that this process alone writes into, until it is released or the process ends.

    Args:
        root: the directory.
        lock: of it; None for a run in a pack, which has one for all of its runs.
        files: writes them, in the directory or in the pack that stands in for it.

    Attributes:
        is_new: whether it was claimed just now, and nothing has been told of the run since.
    """

    def __init__(
        self, root: Path, lock: DirectoryLock | None = None, files: RunFiles = ON_DISK
    ) -> None:
        super().__init__(root)
        self.lock, self.files = lock, files
        self.is_new = False
        self._owner: str | None = None

    def release(self) -> None:
        """Lets another process write here."""
        if self.lock is not None:
            self.lock.release()
        _ours.pop(self.root, None)

    def write_status(
        self, status: Status, error: str | None = None, at: Moment | None = None
    ) -> None:
        """Says how the run stands.

        Args:
            status: of it.
            error: why it is that.
            at: when it came to that, with other runs; None for a moment of its own.

        Raises:
            RunTakenError: if the run is no more this process's.
        """
        self.refuse_if_taken()
        was_new, self.is_new = self.is_new, False
        if was_new and status == Status.RUNNING:
            return  # written when the directory was claimed
        at = at or Moment()
        # One that has ended has a file of its own: people change it, in place.
        same = at.files if status == Status.RUNNING else SameFiles()
        self.files.write_same(self.status, self._status(status, error, at), same)
        self._owner = OWNER

    def refuse_if_taken(self) -> None:
        """Looks whether the run is this process's still, before more is written of it.

        Raises:
            RunTakenError: if another process has gone on with it, or removed it.
        """
        if self.lock is None:  # of a pack, which a directory of the run is believed over
            if self.files is not ON_DISK and os.path.lexists(self.root):
                raise taken(self.root, ON_DISK.read(self.status))
            return
        content = self.files.read(self.status)
        if content is None:
            refuse_gone(self.root)
        elif is_of_another(content, self._owner):
            raise taken(self.root, content)

    def is_running(self) -> bool:
        """Whether its status says so."""
        return read_told(self.files.read(self.status)).get("status") == Status.RUNNING

    def _status(self, status: Status, error: str | None, at: Moment) -> bytes:
        content = {
            "status": status,
            "started": self._started,
            "ended": None if status == Status.RUNNING else at.text,
            "error": error,
            **identity(),
            "heartbeat": heartbeat_of(self),
        }
        return f"{json_text(content)}\n".encode()

    @cached_property
    def _started(self) -> str:
        """When the run was started first, which the status of a resumed run tells; else now."""
        started: str | None = read_told(self.files.read(self.status)).get("started")
        return started or datetime.now(UTC).isoformat()


def claim(path: Path, at: Moment | None = None) -> RunDirectory:
    """Makes the directory, for this process alone.

    A name that ends in a time stamp moves on by a microsecond when another run has it already.

    Args:
        path: of the directory.
        at: when the run begins, with others; None for a moment of its own.

    Raises:
        RunDirectoryError: if it cannot be made, or holds a run.
    """
    while True:
        try:
            with signals.held():  # a directory that is made has a status
                return _claimed(path, at or Moment())
        except DirectoryTakenError:
            later = _next_stamp(path.name)
            if later is None:
                raise
            path = path.with_name(later)


@contextmanager
def claimed(path: Path) -> Iterator[RunDirectory]:
    """As `claim`; released at the end, with a status that says how it came to that."""
    directory = claim(path)
    try:
        yield directory
    except BaseException as err:
        with suppress(RunDirectoryError):  # the disk may be full
            if directory.is_running():
                stopped = isinstance(err, KeyboardInterrupt)
                told = f"{type(err).__name__}: {err}"
                directory.write_status(Status.INTERRUPTED if stopped else Status.FAILED, told)
        raise
    finally:
        directory.release()


def reclaim(paths: RunPaths) -> RunDirectory:
    """Takes an earlier run's directory to go on in it.

    Raises:
        DirectoryTakenError: if a live process is writing it.
    """
    refuse_made_elsewhere(paths)
    directory = RunDirectory(paths.root, DirectoryLock(paths.root))
    directory._owner = owner_told(directory.files.read(directory.status))
    if directory.is_running():  # its process is gone, or sees by this that it is to be
        directory.write_status(Status.INTERRUPTED, GONE)
    for folder in (paths.root, paths.hydra, paths.checkpoints):
        remove_unfinished(folder)
    _ours[directory.root] = directory
    return directory


def begun_in_pack(path: Path, pack: RunFiles, at: Moment) -> RunDirectory:
    """A run that has no directory: a pack stands in for it.

    Args:
        path: that its directory would have.
        pack: of its stack; what the run left earlier is in it already.
        at: when it begins, with others.
    """
    directory = RunDirectory(path, None, pack)
    if pack.read(directory.status) is None:
        directory._started = at.text
        directory.is_new = True
        pack.write_same(directory.status, directory._status(Status.RUNNING, None, at), at.files)
    _ours[path] = directory
    return directory


def _claimed(path: Path, at: Moment) -> RunDirectory:
    made = _made(path)
    directory = RunDirectory(path, DirectoryLock(path))
    try:
        refuse_occupied(path, "run")
        if made:
            directory._started = at.text
        at.files.write_new(directory.status, directory._status(Status.RUNNING, None, at))
    except RunDirectoryError:
        directory.release()
        raise
    directory.is_new = True
    directory._owner = OWNER
    _ours[directory.root] = directory
    return directory


def _made(path: Path) -> bool:
    """Makes the folder; False if it was there."""
    with writing(path):
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not path.is_dir():
                raise
            return False
    return True


def refuse_occupied(path: Path, kind: Literal["run", "sweep"]) -> None:
    """A run or a sweep makes its folder, or takes an empty one: its files are never among others'.

    Hydra's own folder may be there: its callbacks write into it before a run begins.

    Args:
        path: of the folder, which need not be there.
        kind: of what is to go into it.

    Raises:
        DirectoryTakenError: if it holds a run, and is for one.
        RunDirectoryError: if it holds anything else.
    """
    with writing(path):
        names = {one.name for one in path.iterdir()} if path.is_dir() else set()
    paths = RunPaths(path)
    other = f"type another hydra.{kind}.dir, or "
    for what, mark in (("sweep", SWEEP_JOBS), ("run", paths.status.name)):
        if mark in names and what != kind:
            raise RunDirectoryError(f"'{path}' holds a {what}; {other}none")
        if mark in names and what == "sweep":
            raise RunDirectoryError(f"'{path}' holds a sweep already; {other}seedbed resume {path}")
        if mark in names:
            raise DirectoryTakenError(f"'{path}' holds a run already; {other}none")
    strange = sorted(names - {LOCK, HELD, SWEEP_PROCESS, paths.hydra.name})
    if strange:
        raise RunDirectoryError(
            f"'{path}' holds '{strange[0]}', and a {kind} goes into a new or an empty folder; "
            f"{other}none"
        )


def _next_stamp(name: str) -> str | None:
    """The time now, or a microsecond after that in `name` where the clock stands or goes back."""
    try:
        before = datetime.strptime(name, STAMP)
    except ValueError:
        return None
    return max(datetime.now(), before + timedelta(microseconds=1)).strftime(STAMP)


def _interrupted() -> None:
    """Says so in every run that a signal ends before it has ended by itself."""
    for directory in list(_ours.values()):
        with suppress(Exception):
            if directory.is_running():
                directory.write_status(Status.INTERRUPTED, signals.reason())
    for files in {id(one.files): one.files for one in _ours.values()}.values():
        with suppress(Exception):
            files.commit()


def tell_at_end() -> None:
    """Has a signal that ends this process noted in its runs; said again in a fork that has some."""
    if _interrupted not in signals.at_end:
        signals.at_end.append(_interrupted)


tell_at_end()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ours.clear)
