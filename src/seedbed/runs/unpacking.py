"""Makes run directories of runs that are in a pack, each at once and whole."""

import errno
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from seedbed.errors import DirectoryTakenError, RunDirectoryError
from seedbed.process import signals
from seedbed.runs.files import printable, write_bytes, writing
from seedbed.runs.layout import RunPaths
from seedbed.runs.living import is_being_made
from seedbed.runs.lock import is_being_written
from seedbed.runs.outputs import is_left
from seedbed.runs.pack import Pack
from seedbed.runs.pack_contents import Place
from seedbed.runs.same_files import write_same
from seedbed.runs.stored import pack_of

UNFINISHED = ".unpacked"
"""In front of the name of a directory while it is made; hidden, and taken for no run."""


class Unpacking:
    """Makes directories of the runs of one pack; what they share is one file with several names.

    Args:
        pack: that has them.
        into: the folder that they go into.

    Raises:
        DirectoryTakenError: if the runs are being trained.
    """

    def __init__(self, pack: Pack, into: Path) -> None:
        refuse_in_training(pack)
        self.pack = pack
        self.into = into
        self._shared = pack.contents.shared_places()
        self._made: dict[Place, Path] = {}

    def unpack(self, run: str) -> Path:
        """Makes the directory of a run.

        Args:
            run: the name of its folder.

        Returns:
            The directory.

        Raises:
            RunDirectoryError: if something has its name, or it cannot be written; nothing is left
                of it then.
        """
        target = self.into / run
        beside = self.into / f"{UNFINISHED}.{run[:200]}.{os.getpid()}"
        with signals.done_at_end(lambda: _delete(beside)):
            try:
                refuse_what_is_there(target)
                made = self._write(run, RunPaths(beside))
                with writing(target):
                    refuse_what_is_there(target)  # another process was quicker
                    beside.rename(target)
            except BaseException:
                _delete(beside)
                raise
        for place, name in made.items():
            self._made.setdefault(place, target / name)
        return target

    def _write(self, run: str, paths: RunPaths) -> dict[Place, str]:
        """Writes the files; where those are that other files of the pack are the same as."""
        for folder in (paths.root, paths.hydra, paths.checkpoints):
            with writing(folder):
                folder.mkdir(parents=True)
        made: dict[Place, str] = {}
        places = self.pack.contents.files(run)
        for name, content in self.pack.whole_run(run):
            place = places[name]
            if name == paths.status.name:  # people change it, in place
                write_bytes(paths.status, content)
                continue
            earlier = paths.root / made[place] if place in made else self._made.get(place)
            write_same(paths.root / name, earlier, content)
            if place in self._shared:
                made.setdefault(place, name)
        return made


def refuse_in_training(pack: Pack) -> None:
    """Refuses runs that are trained now, here or on another machine: all of a pack, or none.

    Raises:
        DirectoryTakenError: if they are.
    """
    some = [] if pack.contents.is_whole else [pack.path.parent / run for run in [*pack.runs][:1]]
    if is_being_written(pack.path) or any(map(is_being_made, some)):
        raise DirectoryTakenError(
            f"'{printable(str(pack.path))}' is being written by another process, as its runs are "
            "trained; wait for it, or stop it first"
        )


def refuse_what_is_there(target: Path) -> None:
    """Raises `RunDirectoryError` where something has the name of a directory that is to be made."""
    if os.path.lexists(target):
        name = printable(str(target))
        raise RunDirectoryError(
            f"'{name}' is there already, and is left as it is; name other jobs, or another folder"
        ) from OSError(errno.EEXIST, os.strerror(errno.EEXIST))


def unpack_in_place(root: Path) -> None:
    """Makes a run directory of a run that is in a pack, where it belongs; else does nothing.

    From then on the directory is the run, and what the pack has of it counts no more.

    Raises:
        RunDirectoryError: if the pack is damaged, or the directory cannot be written.
        DirectoryTakenError: if the run is being trained.
    """
    pack = pack_of(root)
    if pack is None:
        return
    remove_left(root.parent)
    try:
        Unpacking(pack, root.parent).unpack(root.name)
    except DirectoryTakenError:
        raise
    except RunDirectoryError as err:
        if root.is_dir():  # another process was quicker
            return
        raise RunDirectoryError(
            f"{err.problems[0]}; the run is in '{pack.path.name}': to have it elsewhere, "
            f"type seedbed unpack {root.parent} {root.name} --to DIR"
        ) from err


def remove_left(folder: Path) -> None:
    """Takes away what processes that are gone left unfinished in a folder."""
    ours = re.compile(rf"{re.escape(UNFINISHED)}\..*\.(\d+)", re.DOTALL)
    with suppress(OSError):
        for path in folder.glob(f"{UNFINISHED}.*"):
            match = ours.fullmatch(path.name)
            if match and path.is_dir() and not path.is_symlink() and is_left(path, int(match[1])):
                _delete(path)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
