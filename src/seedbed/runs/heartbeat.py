"""That a run's process lives, told to other machines: a file that the file system stamps again.

On the machine of the process its lock tells. Elsewhere a lock may not be seen, as on disks that are
shared without locks, and a process number means nothing; there a heartbeat tells. Its time is the
file system's, and is compared with the file system's: the clocks of the machines do not matter.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seedbed.runs.layout import RunPaths

BEAT_SECONDS = 5.0
"""Between two heartbeats, about."""

STALE_SECONDS = 60.0
"""Without a heartbeat, after which a process is no more; a step may take a while."""

WAIT_SECONDS = 3 * BEAT_SECONDS
"""In which a heartbeat has to be seen by a reader who may not ask the file system for its time."""

KNOWN_SECONDS = 60.0
"""For which the time of a file system is known, by the clock of this process."""


class _Pulse:
    """What this process touches.

    Args:
        file: shared by several runs, or None.
        text: the file, as it stands in the status of each.
    """

    file: Path | None = None
    text = ""
    due = 0.0


_pulse = _Pulse()
_offsets: dict[int, tuple[float, float]] = {}
_seen: dict[Path, tuple[bool, float]] = {}


@contextmanager
def pulse(file: Path, sweep: Path) -> Iterator[None]:
    """Lets the runs that are claimed inside share a heartbeat, unless they do already.

    Args:
        file: that is touched.
        sweep: the folder of the runs' directories.
    """
    if _pulse.file is not None:  # a task has one for all that it does
        yield
        return
    _pulse.text = f"../{os.path.relpath(file, sweep)}"
    _pulse.file = file
    try:
        yield
    finally:
        _pulse.file = None


def heartbeat_of(run: RunPaths) -> str:
    """The file of a run's heartbeat, from the run's directory; its status, if it has its own."""
    return run.status.name if _pulse.file is None else _pulse.text


def beat(status: Path) -> None:
    """Called after every step: touches the file, now and then.

    Args:
        status: of a run that this process makes.
    """
    now = time.monotonic()
    if now >= _pulse.due:
        _pulse.due = now + BEAT_SECONDS
        with suppress(OSError):  # a disk that does not answer now may later
            os.utime(_pulse.file or status)


def this_host() -> str:
    """The name of this machine, as a status has it."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform  # here, as it is not needed elsewhere

    return platform.node()


def is_elsewhere(status: Mapping[str, Any]) -> bool:
    """Whether a status was written on another machine."""
    host = status.get("host")
    return isinstance(host, str) and host != this_host()


def beats(paths: RunPaths, status: Mapping[str, Any]) -> bool:
    """Whether the process of a run that is made on another machine still lives.

    Args:
        paths: of the run, which may be a stranger's.
        status: that it wrote.
    """
    told = status.get("heartbeat")
    if not isinstance(told, str) or not told or "\0" in told:
        return False
    file = Path(os.path.normpath(paths.root.absolute() / told))
    if paths.root.absolute().parent not in file.parents:  # of its sweep, or its own
        return False
    try:
        stamped = file.lstat()
    except OSError:
        return False
    now = _file_system_time(file.parent, stamped.st_dev)
    if now is not None:
        return now - stamped.st_mtime < STALE_SECONDS
    return _was_seen_to_beat(file, stamped.st_mtime_ns)


def _was_seen_to_beat(file: Path, stamp: int) -> bool:
    """Whether a file was touched while one waits for it; the same for all runs that share it.

    Where several would have to be waited for, one after the other, this machine's clock decides of
    the others: a folder of many runs is not to take minutes to list.
    """
    seen, at = _seen.get(file, (False, -KNOWN_SECONDS))
    if time.monotonic() - at < KNOWN_SECONDS:
        return seen
    if any(time.monotonic() - at < KNOWN_SECONDS for _, at in _seen.values()):
        return abs(time.time() - stamp / 1e9) < STALE_SECONDS
    time.sleep(WAIT_SECONDS)
    seen = False
    with suppress(OSError):
        seen = file.lstat().st_mtime_ns != stamp
    _seen[file] = (seen, time.monotonic())
    return seen


def _file_system_time(folder: Path, device: int) -> float | None:
    """The time that a file would have that was written now; None where none can be."""
    known, asked = _offsets.get(device, (0.0, -KNOWN_SECONDS))
    if time.monotonic() - asked < KNOWN_SECONDS:
        return known + time.monotonic()
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".now.") as file:
            now = os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    _offsets[device] = (now - time.monotonic(), time.monotonic())
    return now
