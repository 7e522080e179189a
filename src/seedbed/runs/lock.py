"""Who writes a run directory: a lock that the system itself lets go of when the process dies.

The lock is on the directory, so it leaves no file. Source: flock(2); a lock belongs to an open
file, not to a process, so two runs in one process exclude each other as well.
"""

import os
from pathlib import Path

from seedbed.errors import DirectoryTakenError

try:
    import fcntl
except ImportError:  # Windows has no flock; there nothing is excluded, and no run looks alive
    fcntl = None  # type: ignore[assignment]


class DirectoryLock:
    """Held from its making until `release`, or until the process ends.

    Args:
        path: of the directory.

    Raises:
        DirectoryTakenError: if another run holds it.
    """

    def __init__(self, path: Path) -> None:
        self._file: int | None = None
        if fcntl is None:
            return
        file = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            os.close(file)
            raise DirectoryTakenError(
                f"'{path}' is being written by another process; wait for it, or stop it first"
            ) from err
        self._file = file

    @property
    def held(self) -> bool:
        """Until it is let go of."""
        return self._file is not None

    def release(self) -> None:
        """Lets go."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def is_being_written(path: Path) -> bool:
    """Whether a live process holds the lock."""
    try:
        DirectoryLock(path).release()
    except DirectoryTakenError:
        return True
    return False
