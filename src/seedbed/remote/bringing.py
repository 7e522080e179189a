"""Brings a run, a sweep or a folder of them from a URL, each version of a file once."""

import json
import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from seedbed.errors import SeedbedError
from seedbed.remote.cache import refuse_no_room
from seedbed.remote.names import WRITERS, is_heavy, is_ours, rank
from seedbed.remote.objects import SETTLED_SECONDS
from seedbed.remote.store import Store, Stored, StoreError, store
from seedbed.remote.urls import Url
from seedbed.remote.writers import is_written
from seedbed.runs.files import write_json
from seedbed.runs.layout import SWEEP_JOBS, RunPaths
from seedbed.runs.status import Status

KNOWN = "brought.json"
"""Beside the folder: which version of each object lies in it."""

MOST_OBJECTS = 1_000_000

STATUS = RunPaths(Path()).status.name


def bring(url: Url, folder: Path, *, light: bool) -> None:
    """Has what lies at a URL in a folder here.

    Args:
        url: of a run, a sweep or a folder of them, which may be a stranger's.
        folder: made where it is not there; nothing else is in it.
        light: without weights, curves and pictures.

    Raises:
        StoreError: if there is nothing, or it cannot be read.
    """
    there = store(url)
    found = there.below(url)
    if not found:
        raise StoreError(f"there is no run at '{url}', nor anything below it")
    ours = {name: one for name, one in found.items() if is_ours(name)}
    if len(ours) > MOST_OBJECTS:
        raise StoreError(f"'{url}' has more than {MOST_OBJECTS} files; name a folder below it")
    known = _known(folder)
    wanted = {
        name: one for name, one in ours.items()
        if not (light and is_heavy(name)) and not _is_here(folder / name, one, known.get(name))
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    refuse_no_room(folder, sum(one.size or 0 for one in wanted.values()), url)
    try:
        # How a run stands is read first: it is written last.
        for name in sorted(wanted, key=lambda one: (-rank(one), one)):
            known[name] = _brought(there, url.below(name), folder / name, wanted[name])
    finally:
        _remove_gone(folder, ours)
        write_json(folder.with_name(KNOWN), {n: one for n, one in known.items() if n in ours})
    _tell_who_lives(there, url, folder, found)


def _brought(there: Store, url: Url, path: Path, found: Stored) -> list[Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".brought.", delete=False) as file:
            there.read(url, file)
        Path(file.name).replace(path)
    except OSError as err:
        raise SeedbedError(f"cannot write '{path}': {err.strerror or err}") from err
    finally:
        with suppress(OSError):
            os.unlink(file.name)  # noqa: PTH108
    settled = found.stamp is not None and time.time() - found.stamp / 1e9 > SETTLED_SECONDS
    return [found.size, found.stamp, settled]


def _is_here(path: Path, found: Stored, known: Any) -> bool:
    return known == [found.size, found.stamp, True] and path.is_file()


def _known(folder: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        content = json.loads(folder.with_name(KNOWN).read_text())
        if isinstance(content, dict):
            return content
    return {}


def _remove_gone(folder: Path, names: Iterable[str]) -> None:
    """Takes away the copies of what is there no more."""
    there = {*names}
    for path in [*folder.rglob("*")]:
        name = path.relative_to(folder).as_posix()
        if path.is_file() and is_ours(name) and name not in there:
            path.unlink(missing_ok=True)


def _tell_who_lives(there: Store, url: Url, folder: Path, found: dict[str, Stored]) -> None:
    """Stamps the heartbeats of runs that say they go on: now if their writer lives, else long ago.

    Those who read the folder judge by these, as of a shared disk.
    """
    lives: dict[str, bool] = {}
    for path in folder.rglob(STATUS):
        with suppress(OSError, ValueError):
            if json.loads(path.read_bytes()).get("status") != Status.RUNNING:
                continue
            name = path.parent.relative_to(folder).as_posix()
            root = _written_root(name, found)
            if root is not None and root not in lives:
                lives[root] = is_written(there, url.below(root) if root else url)
            now = time.time() if root is not None and lives[root] else 0.0
            os.utime(path, (now, now))
            if (folder / (root or "") / SWEEP_JOBS).is_file():
                os.utime(folder / (root or "") / SWEEP_JOBS, (now, now))


def _written_root(name: str, found: Iterable[str]) -> str | None:
    """The folder above a run, or its own, that has the marks of writers; None if none has."""
    marked = {one.rpartition(f"{WRITERS}/")[0].rstrip("/") for one in found if WRITERS in one}
    parts = [] if name == "." else name.split("/")
    for length in range(len(parts), -1, -1):
        root = "/".join(parts[:length])
        if root in marked:
            return root
    return None
