"""A lock for file systems that have none: a file that is there as long as its process lives.

Its name can be made by one process only, on any file system. Who left it is judged as of a run: on
this machine by the process, of another by the heartbeat that its process gives it.
"""

import errno
import os
import secrets
from contextlib import ExitStack, suppress
from pathlib import Path

from seedbed.process import signals
from seedbed.runs.files import NEW_FILE, json_text
from seedbed.runs.heartbeat import is_young, stamped_too
from seedbed.runs.owner import OWNER, identity, is_elsewhere, is_there, owner_told, read_told, taken

TRIES = 3

LARGEST = 4096
"""Bytes."""


class HeldFile:
    """Held from its making until `release`, or until its process ends. A fork does not hold it.

    Args:
        file: that is made.

    Raises:
        BlockingIOError: if another lock of it is held, here or elsewhere.
        OSError: if it cannot be made.
    """

    def __init__(self, file: Path) -> None:
        self.file, self._process = file, os.getpid()
        told = {**identity(), "since": _began(os.getpid()), "lock": secrets.token_hex(8)}
        self._content = f"{json_text(told)}\n".encode()
        for _ in range(TRIES):
            try:
                number = os.open(file, NEW_FILE, 0o666)
                break
            except FileExistsError:
                content = _content(file)
                if _lives(file, content):
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
                _take_away(file, content)
        else:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        try:
            os.write(number, self._content)
        except OSError:  # the disk is full
            file.unlink(missing_ok=True)
            raise
        finally:
            os.close(number)
        self._meanwhile = ExitStack()
        self._meanwhile.enter_context(stamped_too(file, self._refuse_taken))
        self._meanwhile.enter_context(signals.done_at_end(self._remove))

    @staticmethod
    def is_held(file: Path) -> bool:
        """Whether a live process has it."""
        return os.path.lexists(file) and _lives(file, _content(file))

    def release(self) -> None:
        """Lets go."""
        self._meanwhile.close()
        self._remove()

    def _remove(self) -> None:
        if self._process == os.getpid() and _content(self.file) == self._content:
            with suppress(OSError):
                self.file.unlink()

    def _refuse_taken(self) -> None:
        content = _content(self.file)
        if content not in (None, self._content):
            raise taken(self.file.parent, content)


def _content(file: Path) -> bytes | None:
    """None where it is not there, or cannot be read."""
    with suppress(OSError), file.open("rb") as opened:
        return opened.read(LARGEST)
    return None


def _lives(file: Path, content: bytes | None) -> bool:
    """Whether the process lives that made it; of what tells nothing its heartbeat does.

    So it is where it is not written yet, and where this user may not read it.
    """
    told = read_told(content)
    if not told or is_elsewhere(told):
        return is_young(file)
    process = told.get("pid")
    if not isinstance(process, int) or process <= 0:
        return False
    if process == os.getpid():
        return bool(owner_told(content) == OWNER)
    return is_there(process) and told.get("since") in ("", _began(process))


def _began(process: int) -> str:
    """When a process began, as the system counts; its number may be another one's by now."""
    with suppress(OSError, IndexError):
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return told.rpartition(")")[2].split()[19]
    return ""


def _take_away(file: Path, content: bytes | None) -> None:
    """Removes what was judged; what another process has made of the name meanwhile is put back.

    Killed in between, it leaves a file that `remove_unfinished` removes.
    """
    aside = file.with_name(f"{file.name}.{secrets.token_hex(8)}.tmp")
    try:
        file.rename(aside)
    except FileNotFoundError:
        return
    with suppress(FileNotFoundError):  # whoever has the directory by now clears up in it
        if _content(aside) != content and not os.path.lexists(file):
            aside.rename(file)
        else:
            aside.unlink()
