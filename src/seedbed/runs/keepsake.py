"""A completed run is kept as it was until more epochs succeed, so that it never becomes less.

The files lie in a folder inside the run, under the names that they have in it; the event file under
one that TensorBoard does not take for a run's.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from seedbed.errors import RunDirectoryError, RunTakenError
from seedbed.runs.files import writing
from seedbed.runs.layout import EVENT_PREFIX, RunPaths
from seedbed.runs.living import is_being_made
from seedbed.runs.status import Status

FOLDER = ".before"
UNFINISHED = ".before.tmp"
EVENTS = "events"
"""Prefix of the copy of an event file, in front of the rest of its name."""


class Keepsake:
    """The files of a completed run, while it is made longer.

    Args:
        paths: of the run.
    """

    def __init__(self, paths: RunPaths) -> None:
        self.paths = paths
        self.folder = paths.root / FOLDER

    @property
    def there(self) -> bool:
        """Whether a run was kept, and what it was made longer by has not ended yet."""
        return self.folder.is_dir() and not self.folder.is_symlink()

    def take(self) -> None:
        """Keeps the run as it is now; what was kept by a process that was killed stays.

        Raises:
            RunDirectoryError: if the disk is full, or something else has the folder's name.
        """
        if self.there:
            return
        if self.folder.is_symlink() or self.folder.exists():
            raise RunDirectoryError(f"'{self.folder}' is no folder; take it away to resume")
        unfinished = self.paths.root / UNFINISHED
        with writing(unfinished):
            shutil.rmtree(unfinished, ignore_errors=True)
            (unfinished / self.paths.checkpoints.name).mkdir(parents=True)
            for path in self._files():
                _copy(path, unfinished / self._kept_name(path))
            unfinished.rename(self.folder)

    def put_back(self) -> None:
        """Makes the run what it was; its log keeps what was tried."""
        with writing(self.folder):
            for path in self._files():
                if not (self.folder / self._kept_name(path)).is_file():
                    path.unlink()
            for kept in sorted(self.folder.rglob("*")):
                if kept.is_file() and not kept.is_symlink():
                    os.replace(kept, self._own_path(kept))  # noqa: PTH105
        self.drop()

    def drop(self) -> None:
        """Forgets what was kept."""
        with suppress(OSError):
            shutil.rmtree(self.folder)

    def _files(self) -> Iterator[Path]:
        """The run's own files, but for the reader's notes and for what is only added to."""
        own, left = [self.paths.root, self.paths.checkpoints], [self.paths.log, self.paths.notes]
        for folder in (folder for folder in own if folder.is_dir()):
            for path in folder.iterdir():
                if path.is_file() and not path.is_symlink() and path not in left:
                    yield path

    def _kept_name(self, path: Path) -> Path:
        name = path.relative_to(self.paths.root)
        if path.name.startswith(EVENT_PREFIX):
            return name.with_name(EVENTS + path.name.removeprefix(EVENT_PREFIX))
        return name

    def _own_path(self, kept: Path) -> Path:
        name = kept.relative_to(self.folder)
        if len(name.parts) == 1 and name.name.startswith(EVENTS):
            name = Path(EVENT_PREFIX + name.name.removeprefix(EVENTS))
        return self.paths.root / name


@dataclass
class Attempt:
    """Making a run longer.

    Args:
        status: of the run, once it has ended.
        was_put_back: whether the run is what it was, as it came to nothing.
    """

    status: str | None = None
    was_put_back: bool = False


@contextmanager
def kept(paths: RunPaths, say: Callable[[str], None], *, was_complete: bool) -> Iterator[Attempt]:
    """Puts a completed run back if what is tried inside fails; it may go on if it is interrupted.

    Args:
        paths: of the run.
        say: called with a line where the run was put back.
        was_complete: whether it is to be kept; one that was kept before is put back as well.

    Raises:
        RunDirectoryError: if the disk is full.
    """
    keepsake, attempt = Keepsake(paths), Attempt()
    if was_complete:
        keepsake.take()
    try:
        yield attempt
    except (KeyboardInterrupt, RunTakenError):  # of the latter the files are another process's
        raise
    except BaseException:
        attempt.status = Status.FAILED
        raise
    finally:
        if attempt.status == Status.COMPLETED:
            keepsake.drop()
        elif attempt.status in (Status.FAILED, Status.DIVERGED) and keepsake.there:
            keepsake.put_back()
            attempt.was_put_back = True
            say(f"note: '{paths.root}' is what it was, a completed run")


def put_back_unless_running(paths: RunPaths) -> None:
    """Makes a job of a sweep what it was, if it was being made longer and that was cut off."""
    keepsake = Keepsake(paths)
    if keepsake.there and not is_being_made(paths.root):
        keepsake.put_back()


def _copy(path: Path, target: Path) -> None:
    """A second name for a file that is only ever replaced; a copy of one that is added to."""
    if not path.name.startswith(EVENT_PREFIX):
        with suppress(OSError):
            os.link(path, target)
            return
    shutil.copy2(path, target)
