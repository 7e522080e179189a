"""A run directory while the run is being made: claimed by one process, its status kept true."""

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from seedbed.errors import DirectoryTakenError, RunDirectoryError
from seedbed.runs.files import json_text, remove_unfinished, write_json, writing
from seedbed.runs.layout import RunPaths
from seedbed.runs.lock import DirectoryLock

Status = Literal["running", "completed", "failed", "interrupted", "diverged"]

STAMP = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-\d{6}")


@dataclass(frozen=True)
class RunDirectory(RunPaths):
    """A directory that this process alone writes into, until it is released or the process ends."""

    lock: DirectoryLock | None = None

    def release(self) -> None:
        """Lets another process write here."""
        if self.lock is not None:
            self.lock.release()

    def write_status(self, status: Status, error: str | None = None) -> None:
        """Says how the run stands."""
        content = {
            "status": status,
            "started": self._started,
            "ended": None if status == "running" else datetime.now(UTC).isoformat(),
            "error": error,
            "pid": os.getpid(),
        }
        if self.is_new and status == "running":
            # Into the file that claimed the directory, which is empty and says no more if it stays
            # so: replacing a file takes several times as long.
            with writing(self.status):
                self.status.write_text(json_text(content) + "\n", encoding="utf-8")
        else:
            write_json(self.status, content)
        self.__dict__["is_new"] = False

    @cached_property
    def is_new(self) -> bool:
        """Whether nothing has been told of the run yet."""
        return self.status.exists() and self.status.stat().st_size == 0

    @cached_property
    def _started(self) -> str:
        """When the run was started first, which the status of a resumed run tells; else now."""
        started: str | None = None
        if self.status.exists() and not self.is_new:
            started = json.loads(self.status.read_text(encoding="utf-8")).get("started")
        return started or datetime.now(UTC).isoformat()


def claim(path: Path) -> RunDirectory:
    """Makes the directory, for this process alone.

    A name that ends in a time stamp moves on by a microsecond when another run has it already.

    Raises:
        RunDirectoryError: if it cannot be made, or holds a run.
    """
    while True:
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        try:
            return _claimed(path)
        except DirectoryTakenError:
            if not STAMP.fullmatch(path.name):
                raise
            path = path.with_name(datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f"))


def reclaim(paths: RunPaths) -> RunDirectory:
    """Takes an earlier run's directory to go on in it.

    Raises:
        DirectoryTakenError: if a live process is writing it.
    """
    directory = RunDirectory(paths.root, DirectoryLock(paths.root))
    for folder in (paths.root, paths.hydra, paths.checkpoints):
        remove_unfinished(folder)
    return directory


def _claimed(path: Path) -> RunDirectory:
    directory = RunDirectory(path, DirectoryLock(path))
    try:
        with writing(directory.status):
            os.close(os.open(directory.status, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except RunDirectoryError as err:
        directory.release()
        if isinstance(err.__cause__, FileExistsError):
            raise DirectoryTakenError(
                f"'{path}' holds a run already; type another hydra.run.dir, or none"
            ) from err
        raise
    return directory
