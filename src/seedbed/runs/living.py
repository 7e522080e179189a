"""Whether the process that makes a run still lives, on this machine or on another."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from seedbed.errors import DirectoryTakenError, RunDirectoryError
from seedbed.runs.files import printable
from seedbed.runs.heartbeat import STALE_SECONDS, beats
from seedbed.runs.layout import SWEEP_PROCESS, RunPaths
from seedbed.runs.owner import is_elsewhere, read_told
from seedbed.runs.status import Status
from seedbed.runs.stored import is_being_written, read_stored

LARGEST_STATUS = 2**16
"""Bytes."""


def is_being_made(path: Path, status: Mapping[str, Any] | None = None) -> bool:
    """Whether a process makes the run now: by its lock, and of another machine by its heartbeat.

    Args:
        path: of the run directory, which may be a stranger's.
        status: as it is written there; None to read it where it is needed.
    """
    if is_being_written(path):
        return True
    paths = RunPaths(path)
    return _goes_on_elsewhere(paths, _status(paths) if status is None else status)


def refuse_made_elsewhere(paths: RunPaths) -> None:
    """Before a run is gone on with here, whose lock another machine's process cannot hold here.

    Raises:
        DirectoryTakenError: if that process lives.
    """
    status = _status(paths)
    if _goes_on_elsewhere(paths, status):
        host = printable(str(status["host"]))[:100]
        raise DirectoryTakenError(
            f"'{paths.root}' is being written by process {status.get('pid')} on {host}; wait for "
            f"it, or stop it first: {STALE_SECONDS:.0f} s after its last sign it counts as ended"
        )


def _goes_on_elsewhere(paths: RunPaths, status: Mapping[str, Any]) -> bool:
    is_running = status.get("status") == Status.RUNNING
    return is_running and is_elsewhere(status) and beats(paths, status)


def _status(paths: RunPaths) -> Mapping[str, Any]:
    """As it is written, of a run or of a sweep that is running; empty where it is damaged."""
    for path in (paths.status, paths.root / SWEEP_PROCESS):
        with suppress(OSError, RunDirectoryError):
            return read_told(read_stored(path, LARGEST_STATUS))
    return {}
