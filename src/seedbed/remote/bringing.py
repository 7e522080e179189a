"""Brings a run, a sweep or a folder of them from a URL, each version of a file once."""

import json
import os
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seedbed.errors import RunDirectoryError
from seedbed.remote.cache import refuse_no_room
from seedbed.remote.names import WRITERS, is_heavy, is_ours, rank
from seedbed.remote.store import Store, Stored, StoreError, store
from seedbed.remote.urls import Url
from seedbed.remote.writers import living
from seedbed.runs.files import write_json, write_pieces, writing
from seedbed.runs.layout import SWEEP_JOBS, RunPaths
from seedbed.runs.pack import is_pack_name
from seedbed.runs.reader import read_json
from seedbed.runs.status import Status

KNOWN = "brought.json"
"""Beside the folder: which version of each object lies in it."""

MOST_OBJECTS = 1_000_000

STATUS = RunPaths(Path()).status.name


def bring(url: Url, folder: Path, *, light: bool) -> bool:
    """Has what lies at a URL in a folder here.

    Args:
        url: of a run, a sweep or a folder of them, which may be a stranger's.
        folder: made where it is not there; nothing else is in it.
        light: without weights, curves and pictures.

    Returns:
        Whether there was anything; if not, what lies above has packs, one of which may hold it.

    Raises:
        StoreError: if there is nothing, or it cannot be read.
        SeedbedError: if it cannot be written here.
    """
    there = store(url)
    found = there.below(url)
    ours = {name: one for name, one in found.items() if is_ours(name)}
    if not ours:
        if any(map(is_pack_name, there.below(url.above, deep=False))):
            return False
        raise StoreError(f"there is no run at '{url}', nor any below it")
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
    return True


def _brought(there: Store, url: Url, path: Path, found: Stored) -> list[Any]:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_pieces(path, there.pieces(url))
    return [found.size, found.stamp, found.is_settled]


def _is_here(path: Path, found: Stored, known: Any) -> bool:
    return known == [found.size, found.stamp, True] and path.is_file()


def _known(folder: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        content = json.loads(folder.with_name(KNOWN).read_text())
        if isinstance(content, dict):
            return content
    return {}


def _remove_gone(folder: Path, names: Iterable[str]) -> None:
    """Takes away the copies of what is there no more, and what was unpacked of copies.

    An empty folder would be taken for a run, in place of what a pack has.
    """
    there = {*names}
    for path in sorted(folder.rglob("*"), reverse=True):  # what lies in a folder before it
        name = path.relative_to(folder).as_posix()
        if path.is_file() and is_ours(name) and name not in there:
            path.unlink(missing_ok=True)
        elif path.is_dir():
            with suppress(OSError):  # it is not empty
                path.rmdir()


def _tell_who_lives(there: Store, url: Url, folder: Path, found: Iterable[str]) -> None:
    """Stamps the heartbeats of runs that say they go on: now if their writer lives, else long ago.

    Those who read the folder judge by these, as of a shared disk.
    """
    marked = {one.rpartition(f"{WRITERS}/")[0].rstrip("/") for one in found if WRITERS in one}
    roots = {
        path: _written_root(path.parent.relative_to(folder).parts, marked)
        for path in folder.rglob("*")
        if is_pack_name(path.name) or (path.name == STATUS and _goes_on(path))
    }
    urls = {root: url.below(root) if root else url for root in roots.values() if root is not None}
    lives = living(there, urls.values())
    for path, root in roots.items():
        now = time.time() if root is not None and urls[root] in lives else 0.0
        for file in (path, folder / (root or "") / SWEEP_JOBS):
            with suppress(OSError):
                os.utime(file, (now, now))


def _goes_on(status: Path) -> bool:
    with suppress(RunDirectoryError):
        return bool(read_json(status).get("status") == Status.RUNNING)
    return False


def _written_root(parts: Sequence[str], marked: Collection[str]) -> str | None:
    """The folder above a run, or its own, that has the marks of writers; None if none has."""
    above = ("/".join(parts[:length]) for length in range(len(parts), -1, -1))
    return next((root for root in above if root in marked), None)
