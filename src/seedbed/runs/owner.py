"""Which process a run or a sweep is of, as its files tell it to processes of any machine.

A process that stood still for long, as its machine slept or lost its network, may find that another
one has gone on with what it made: then the files name that one, and are no more its own.
"""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from seedbed.errors import RunTakenError
from seedbed.runs.files import printable

OWNER = secrets.token_hex(8)
"""Of this process and its forks, which write for it."""

OWNER_KEY = "owner"


def identity() -> dict[str, Any]:
    """Of this process, as a file has it."""
    told = {"host": this_host(), "boot": this_boot(), "pid": os.getpid()}
    return {**told, OWNER_KEY: OWNER}


def this_host() -> str:
    """The name of this machine, as a status has it."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform  # here, as it is not needed elsewhere

    return platform.node()


@cache
def this_boot() -> str:
    """Of the system that runs here, until it is started anew; empty where it does not tell.

    Two machines may have one name, and containers of one machine several.
    """
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def is_there(process: int) -> bool:
    """Whether this machine has such a process; so where it cannot be asked without harm."""
    if os.name == "nt":  # where it would be sent Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def is_elsewhere(told: Mapping[str, Any]) -> bool:
    """Whether a file was written on another machine, or before this one was started anew.

    Locks of such a process are not seen here, and the number of the process means nothing.

    Args:
        told: what the file says; that of an earlier version has no `boot`.
    """
    host, boot = told.get("host"), told.get("boot")
    if not isinstance(host, str):
        return False
    return host != this_host() or (isinstance(boot, str) and bool(boot) and boot != this_boot())


def owner_told(content: bytes | None) -> str | None:
    """Which process a file is of; None where it does not tell, as it is damaged or changed by hand.

    Args:
        content: of the file; that of an earlier version has no owner. None if there is no file.
    """
    told = read_told(content)
    if OWNER_KEY in told:
        return str(told[OWNER_KEY])
    return f"{told['host']} {told['pid']}" if {"host", "pid"} <= told.keys() else None


def is_of_another(content: bytes | None, owner: str | None) -> bool:
    """Whether a file is of another process than it was; not where it does not tell.

    Args:
        content: of the file, as it is now.
        owner: what `owner_told` gave of it.
    """
    now = owner_told(content)
    return now is not None and now != owner


def read_told(content: bytes | None) -> dict[str, Any]:
    """What a file says of its process; empty where it is damaged, or there is none."""
    with suppress(ValueError, RecursionError):
        told = json.loads(content or b"")
        if isinstance(told, dict):
            return told
    return {}


def taken(path: Path, content: bytes | None) -> RunTakenError:
    """What is raised by a process that finds that a run or a sweep is no more its own.

    Args:
        path: of the directory.
        content: of the file that tells whose it is; None if it is not there.
    """
    if content is None:
        return RunTakenError(
            f"'{path}' was removed or moved while this process made it; it ends, and writes no more"
        )
    told = read_told(content)
    host, process = printable(str(told.get("host")))[:100], printable(str(told.get("pid")))[:20]
    return RunTakenError(
        f"'{path}' is made by process {process} on {host} now: this process was not heard of for "
        "long, as when a machine sleeps or loses its network; it ends, and writes no more"
    )


def refuse_gone(path: Path) -> None:
    """Raises `RunTakenError` where there is no such file; see `is_gone`."""
    if is_gone(path):
        raise taken(path, None)


def is_gone(path: Path) -> bool:
    """Whether there is no such file; not where the disk does not answer."""
    with suppress(OSError):
        try:
            path.lstat()
        except FileNotFoundError:
            return True
    return False
