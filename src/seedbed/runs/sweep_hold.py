"""One process at a time runs a sweep: its lock, and a file that tells other machines of it.

The file is there while the sweep runs, is stamped as a heartbeat is, and names its process: one
that stood still for long sees by it that another has gone on with the sweep, or has ended it since,
and writes no more of it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seedbed.errors import RunTakenError
from seedbed.process import signals
from seedbed.runs.files import json_text, write_bytes
from seedbed.runs.heartbeat import stamped_too
from seedbed.runs.layout import SWEEP_PROCESS, RunPaths
from seedbed.runs.living import refuse_made_elsewhere
from seedbed.runs.lock import DirectoryLock
from seedbed.runs.owner import (
    OWNER,
    identity,
    is_gone,
    is_of_another,
    owner_told,
    refuse_gone,
    taken,
)
from seedbed.runs.run_files import ON_DISK
from seedbed.runs.status import Status

_held: set[Path] = set()
"""Sweeps that this process runs; a fork runs none."""


def refuse_held(sweep: Path) -> None:
    """Refuses a sweep that another process runs.

    Raises:
        DirectoryTakenError: if one does.
    """
    DirectoryLock(sweep).release()
    refuse_made_elsewhere(RunPaths(sweep))


@contextmanager
def held(sweep: Path) -> Iterator[None]:
    """No other process runs the sweep meanwhile.

    Raises:
        DirectoryTakenError: if one does.
        RunDirectoryError: if that cannot be known, or told.
    """
    lock = DirectoryLock(sweep)
    file = sweep / SWEEP_PROCESS

    def end() -> None:
        if sweep not in _held:  # a fork does not hold it
            return
        _held.discard(sweep)
        if owner_told(ON_DISK.read(file)) == OWNER:
            with suppress(OSError):
                file.unlink()

    try:
        refuse_made_elsewhere(RunPaths(sweep))
        told = {"status": Status.RUNNING, **identity(), "heartbeat": file.name}
        write_bytes(file, f"{json_text(told)}\n".encode())
        _held.add(sweep)
        with stamped_too(file, lambda: refuse_taken(sweep)), signals.done_at_end(end):
            yield
    finally:
        end()
        lock.release()


def refuse_taken(sweep: Path) -> None:
    """Before anything is written of a sweep; nothing where this process does not hold it.

    Raises:
        RunTakenError: if another process has gone on with it, also if that one has ended by now,
            or removed it.
    """
    if sweep not in _held:
        return
    file = sweep / SWEEP_PROCESS
    content = ON_DISK.read(file)
    if content is None:
        refuse_gone(sweep)
        if is_gone(file):
            raise RunTakenError(
                f"'{sweep}' is no more this process's: its file '{file.name}' is gone, as where "
                "another process has gone on with the sweep and has ended; this one ends, and "
                "writes no more"
            )
    elif is_of_another(content, OWNER):
        raise taken(sweep, content)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_held.clear)
