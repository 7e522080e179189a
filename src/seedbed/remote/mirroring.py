"""The task of a carrier that stands beside a run: its folder is written to a URL until it ends.

It outlives the process that makes the run, so that the last state of one that was killed is written
as well. What the store refuses is tried again, ever more seldom; the run itself knows nothing of
it.
"""

import os
import select
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from seedbed.remote.bringing import bring
from seedbed.remote.last_state import end_seconds, unwritten
from seedbed.remote.mirror import LeftThereError, Mirror, Stamp
from seedbed.remote.store import Store, StoreError, store
from seedbed.remote.urls import Url, parsed
from seedbed.remote.writers import Mark, SuccessorError, owner
from seedbed.runs.layout import SWEEP_JOBS, RunPaths
from seedbed.runs.lock import is_being_written

LOOK_SECONDS = 2.0
"""Between two looks for a new checkpoint."""

FOLLOW_SECONDS = 30.0
"""How old what grows may be there: histories, curves, logs."""

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 120.0
"""Before what was refused is tried again."""

KNOWN = "owner.txt"
"""Beside the folder: the note of its last writer here; at its URL, if nobody has written since."""

Say = Callable[[dict[str, Any]], None]


def mirror(say: Say, url: str, folder: str, mode: Literal["new", "resume"]) -> dict[str, Any]:
    """Stands beside a run.

    Args:
        say: tells the run's process that it is `ready`.
        url: of the run or the sweep.
        folder: of it here; what `resume` needs is brought there.
        mode: whether it begins, or goes on.

    Returns:
        What is told at last.

    Raises:
        StoreError: if it cannot begin, or the last state cannot be written.
    """
    place, path = parsed(url), Path(folder)
    there = store(place)
    mark, mirrored = Mark(there, place), Mirror(there, place, path)
    with mark.held():
        if mode == "new":
            _refuse_occupied(there, place)
            _aside(path)
        else:
            _bring_all(there, place, path, mirrored)
        path.with_name(KNOWN).write_text(mark.take_over())
        say({"ready": True})
        _follow(mirrored, mark)
        _end(mirrored, mark)
    return {"done": None}


def _refuse_occupied(there: Store, url: Url) -> None:
    names = [name for name in there.below(url) if not name.startswith(".seedbed_")]
    if names:
        kind = "a run" if RunPaths(Path()).status.name in names else "something"
        kind = "a sweep" if SWEEP_JOBS in names else kind
        raise StoreError(f"'{url}' holds {kind} already ({sorted(names)[0]}); name another")


def _aside(folder: Path) -> None:
    """Moves away what an earlier run of the same URL left here; nothing is lost."""
    if folder.exists() and not is_being_written(folder):
        folder.rename(folder.with_name(f"left_{time.time_ns()}"))


def _bring_all(there: Store, url: Url, folder: Path, mirrored: Mirror) -> None:
    """Has all of a run here; what is here goes before what is there if that is its continuation."""
    if not _is_from_here(there, url, folder):
        _aside(folder)
        if not bring(url, folder, light=False):
            raise StoreError(f"'{url}' lies in a pack; type seedbed resume '{url.above}'")
        mirrored.go_on_from(set(there.below(url)))


def _follow(mirrored: Mirror, mark: Mark) -> None:
    """Until the run's process closes its end, or is gone."""
    pause, due, told = FIRST_PAUSE, 0.0, False
    saved = _checkpoints(mirrored)
    maker = os.getppid()
    while os.getppid() == maker and not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        now = _checkpoints(mirrored)
        if time.monotonic() < due and now == saved:
            continue
        try:
            mark.refuse_succeeded()
            with suppress(LeftThereError):  # it is tried again with what is written next
                mirrored.write()
            if told:
                _tell(f"note: '{mirrored.url}' is written again")
            saved, pause, told = now, FIRST_PAUSE, False
            due = time.monotonic() + FOLLOW_SECONDS
        except StoreError as err:
            if not told:
                later = "" if isinstance(err, SuccessorError) else (
                    ", and is written there as soon as that can be"
                )  # fmt: skip
                _tell(f"note: {err}; the run goes on in '{mirrored.folder}'{later}")
            saved, told = now, True
            due = time.monotonic() + pause
            pause = min(2 * pause, LONGEST_PAUSE)


def _end(mirrored: Mirror, mark: Mark) -> None:
    """Writes the last state.

    Raises:
        StoreError: if it cannot be; not where something could not be taken away.
    """
    until = time.monotonic() + end_seconds()
    pause = FIRST_PAUSE
    while True:
        try:
            mark.refuse_succeeded()
            mirrored.write()
            break
        except SuccessorError as err:
            raise StoreError(f"{err}: what was made here lies in '{mirrored.folder}'") from err
        except StoreError as err:
            if time.monotonic() + pause > until:
                if isinstance(err, LeftThereError):
                    break
                raise StoreError(unwritten(str(err), mirrored.folder, mirrored.url)) from err
            time.sleep(pause)
            pause *= 2
    if mirrored.refusal:
        _tell(f"note: {mirrored.refusal}, so what '{mirrored.folder}' has no more stays")


def _checkpoints(mirrored: Mirror) -> list[Stamp | None]:
    """How the files stand that are worth writing at once."""
    paths = RunPaths(mirrored.folder)
    return [mirrored.stamp(path) for path in (paths.last, paths.status, paths.root / SWEEP_JOBS)]


def _is_from_here(there: Store, url: Url, folder: Path) -> bool:
    """Whether nobody has written there since it was made here; what is here is as new or newer."""
    with suppress(OSError, StoreError):
        return folder.is_dir() and folder.with_name(KNOWN).read_bytes() == owner(there, url)
    return False


def _tell(line: str) -> None:
    with suppress(OSError):
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))
