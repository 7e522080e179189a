"""That a run's process lives, told to other machines: a file that the file system stamps again.

On the machine of the process its lock tells. Elsewhere a lock may not be seen, as on disks that are
shared without locks, and a process number means nothing; there a heartbeat tells. Its time is the
file system's, and is compared with the file system's: the clocks of the machines do not matter.
"""

import errno
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seedbed.runs.files import NOT_FOLLOWED
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
_also: dict[Path, Callable[[], None]] = {}
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


def is_due() -> bool:
    """Whether the next heartbeat is; at once where this machine has slept meanwhile."""
    return _now() >= _pulse.due


def beat(status: Path | None = None) -> None:
    """Called after every step: stamps what is of this process, now and then.

    Args:
        status: of a run that this process makes; None where it makes none itself.

    Raises:
        RunTakenError: if another process has gone on with what is stamped too.
    """
    if not is_due():
        return
    _pulse.due = _now() + BEAT_SECONDS
    for refuse_taken in _also.values():
        refuse_taken()
    for file in (_pulse.file or status, *_also):
        if file is not None:
            with suppress(OSError):  # a disk that does not answer now may later
                stamp(file)


@contextmanager
def stamped_too(file: Path, refuse_taken: Callable[[], None]) -> Iterator[None]:
    """Has another file stamped with each heartbeat of this process inside; no fork does it.

    Args:
        file: that is stamped.
        refuse_taken: called before, as the file may be another process's by then.
    """
    _also[file] = refuse_taken
    try:
        yield
    finally:
        _also.pop(file, None)


def _now() -> float:
    """By a clock that goes on while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def stamp(file: Path) -> None:
    """Has the file system give a file its own time: by a write, which changes nothing of it.

    A client may set a time by its own clock, as sshfs does; of a write the server tells the time.
    """
    if not hasattr(os, "pwrite"):  # on Windows
        os.utime(file)
        return
    try:
        number = os.open(file, os.O_RDWR | NOT_FOLLOWED)
    except PermissionError:
        os.utime(file)
        return
    try:
        if first := os.pread(number, 1, 0):
            os.pwrite(number, first, 0)
        else:
            os.utime(number)
    finally:
        os.close(number)


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
    return is_young(file)


def is_young(file: Path) -> bool:
    """Whether a file was stamped not long ago, by the file system's own clock."""
    try:
        try:
            stamped = _state(file)
        except OSError as err:
            if err.errno != errno.ESTALE:
                raise
            stamped = _state(file)  # replaced just now by its process, on another host
    except OSError:
        return False
    now = _file_system_time(file.parent, stamped.st_dev)
    if now is not None:
        return now - stamped.st_mtime < STALE_SECONDS
    return _was_seen_to_beat(file, stamped.st_mtime_ns)


def _state(file: Path) -> os.stat_result:
    """Of the file as it is opened: until then, a client of NFS remembers its time for a minute."""
    state = file.lstat()
    if not stat.S_ISREG(state.st_mode):
        return state
    try:
        number = os.open(file, os.O_RDONLY | NOT_FOLLOWED)
    except PermissionError:
        return state
    try:
        return os.fstat(number)
    finally:
        os.close(number)


def _was_seen_to_beat(file: Path, before: int) -> bool:
    """Whether a file was touched while one waits for it; the same for all runs that share it.

    Where several would have to be waited for, one after the other, this machine's clock decides of
    the others: a folder of many runs is not to take minutes to list.
    """
    seen, at = _seen.get(file, (False, -KNOWN_SECONDS))
    if time.monotonic() - at < KNOWN_SECONDS:
        return seen
    if any(time.monotonic() - at < KNOWN_SECONDS for _, at in _seen.values()):
        return abs(time.time() - before / 1e9) < STALE_SECONDS
    time.sleep(WAIT_SECONDS)
    seen = False
    with suppress(OSError):
        seen = _state(file).st_mtime_ns != before
    _seen[file] = (seen, time.monotonic())
    return seen


def _file_system_time(folder: Path, device: int) -> float | None:
    """The time that a file would have that was written now; None where none can be."""
    known, asked = _offsets.get(device, (0.0, -KNOWN_SECONDS))
    if time.monotonic() - asked < KNOWN_SECONDS:
        return known + time.monotonic()
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".now.") as file:
            with suppress(OSError):  # the disk may be full
                os.write(file.fileno(), b".")
                os.fsync(file.fileno())  # by the server, where there is one
            now = os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    _offsets[device] = (now - time.monotonic(), time.monotonic())
    return now


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_also.clear)
