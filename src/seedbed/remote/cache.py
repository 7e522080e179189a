"""Where what lies at URLs is kept on this machine: copies of data, and runs on their way there."""

import hashlib
import shutil
import time
from contextlib import suppress
from pathlib import Path

from seedbed.errors import SeedbedError
from seedbed.remote.urls import Url
from seedbed.runs.user_cache import user_cache

UNUSED_SECONDS = 7 * 86400.0
"""After which a copy goes that is not what its URL holds any more; a run may have it open."""

SPARE_BYTES = 2**26
"""Left free on the disk."""


def cache_folder(*parts: str) -> Path:
    """A folder below the user's own, made if it is not there.

    Raises:
        SeedbedError: if it cannot be made.
    """
    try:
        return user_cache("remote", *parts)
    except (OSError, RuntimeError) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise SeedbedError(
            f"no folder for what is brought from URLs: {reason}; type XDG_CACHE_HOME=FOLDER before "
            "the command"
        ) from err


def data_folder(url: Url) -> Path:
    """That of the copies of an object, each in a folder named by its content."""
    return cache_folder("data", hashlib.sha256(str(url).encode()).hexdigest()[:16])


def run_folder(url: Url, kind: str) -> Path:
    """That of a run or a sweep, named as it is there.

    Args:
        url: of it.
        kind: `made` here, or `copied` to be read.
    """
    digest = hashlib.sha256(str(url).encode()).hexdigest()[:16]
    return cache_folder(kind, digest) / url.name


def refuse_no_room(folder: Path, size: int | None, url: Url) -> None:
    """Before something is brought.

    Raises:
        SeedbedError: with both sizes.
    """
    free = shutil.disk_usage(folder).free - SPARE_BYTES
    if size is not None and size > free:
        raise SeedbedError(
            f"'{url}' has {size / 2**30:.3g} GiB, and '{folder}' has room for "
            f"{max(free, 0) / 2**30:.3g}; type XDG_CACHE_HOME=FOLDER before the command, of "
            "another disk"
        )


def remove_unused(folder: Path, kept: Path) -> None:
    """Takes away the copies of an object that nobody has asked for in a while.

    Args:
        folder: of its copies.
        kept: the one that stays in any case.
    """
    with suppress(OSError):
        for one in folder.iterdir():
            if one != kept and time.time() - one.stat().st_mtime > UNUSED_SECONDS:
                shutil.rmtree(one, ignore_errors=True)
