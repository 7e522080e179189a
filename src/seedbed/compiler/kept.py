"""Where compiled libraries are kept for later runs.

A library ends with its own digest and is put in its place whole, so that one that is damaged is
seen before it is opened. A folder that somebody else can write into is not used: what lies there
is run.
"""

import hashlib
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from seedbed.runs.user_cache import user_cache

DIGEST = hashlib.sha256().digest_size

MOST_KEPT = 256
"""Libraries, of some 30 kB each; of more the oldest go."""

WANTED = ".wanted"

STALE = 3600.0
"""Seconds after which nobody is at work on a file any more."""


def kept_folder() -> Path | None:
    """The user's own, made if it is not there; None if it is not the user's alone."""
    try:
        folder = user_cache() / "steps"
        folder.mkdir(mode=0o700, exist_ok=True)
        alone = all(_is_ours_alone(one) for one in (folder, *folder.resolve().parents))
    except (OSError, RuntimeError):  # there may be no home
        return None
    return folder if alone and os.access(folder, os.W_OK) else None


def _is_ours_alone(folder: Path) -> bool:
    """Whether nobody but the user and root can put anything else in its place."""
    found = folder.lstat()
    others = bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    sticky = bool(found.st_mode & stat.S_ISVTX)
    owned = found.st_uid in (os.geteuid(), 0)
    return stat.S_ISDIR(found.st_mode) and owned and (sticky or not others)


def is_whole(path: Path) -> bool:
    """Whether a library is there as it was kept."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content[:-DIGEST]).digest() == content[-DIGEST:]


def keep(made: Path, path: Path) -> None:
    """Puts a library in its place.

    Args:
        made: by the compiler, in the same folder; gone afterwards.
        path: its place.
    """
    with made.open("r+b") as file:
        content = file.read()
        file.write(hashlib.sha256(content).digest())
    made.replace(path)
    _tidy(path.parent)


def _tidy(folder: Path) -> None:
    """Removes what was not used for longest, and what killed processes left."""
    unfinished = [*folder.glob("*.part"), *folder.glob("cc*.[os]")]
    left = [one for one in unfinished if time.time() - _last_used(one) > STALE]
    for old in sorted(folder.glob("*.so"), key=_last_used)[:-MOST_KEPT]:
        left += [old, old.with_suffix(".c")]
    left += sorted(folder.glob(f"*{WANTED}"), key=_last_used)[:-MOST_KEPT]
    for one in left:
        with suppress(OSError):
            one.unlink()


def used(path: Path) -> None:
    """Notes that a library is still needed."""
    with suppress(OSError):
        os.utime(path)


def wanted(path: Path, seconds: float) -> float:
    """Notes what a library would have saved, had it been there; what it would have so far, in all.

    Args:
        path: where it would be.
        seconds: that it would have saved this time.
    """
    note = path.with_suffix(WANTED)
    with suppress(OSError, ValueError):
        seconds += float(note.read_text(encoding="ascii")[:40])
    with suppress(OSError):
        note.write_text(f"{seconds:.6f}", encoding="ascii")
    return seconds


def forget_wanted(path: Path) -> None:
    """Begins to count anew: a compiler that never ends is not started by each sweep."""
    with suppress(OSError):
        path.with_suffix(WANTED).unlink(missing_ok=True)


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
