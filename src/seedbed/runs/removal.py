"""Removes run and sweep directories: nothing else, nothing being written, nothing behind links.

A directory is renamed first, so that what is interrupted leaves nothing that looks like a run.
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seedbed.errors import DirectoryTakenError, RunDirectoryError
from seedbed.process import signals
from seedbed.runs.files import printable, writing
from seedbed.runs.layout import (
    EVENT_PREFIX,
    LOCK,
    REPORT,
    RUN_FILES,
    SWEEP_CONFIG,
    SWEEP_JOBS,
    SWEEP_START,
    SWEEP_TABLE,
    RunPaths,
)
from seedbed.runs.living import is_being_made
from seedbed.runs.lock import DirectoryLock
from seedbed.runs.pack import is_pack_name
from seedbed.runs.pack_rewriting import without_runs
from seedbed.runs.reader import read_json, written_status
from seedbed.runs.stored import is_being_written, pack_of, packs_of, runs_in_packs
from seedbed.runs.unpacking import refuse_in_training

REMOVED = ".removed"
"""In front of the name of a directory that is going; hidden, and taken for no run."""

MOST_TRIES = 100
"""Each finds a file gone that another process has just removed."""

STATUS = RunPaths(Path()).status.name

OWN_NAMES = frozenset((
    *(name for name in RUN_FILES if "/" not in name),
    SWEEP_CONFIG, SWEEP_JOBS, SWEEP_START, SWEEP_TABLE, LOCK, REPORT,
))  # fmt: skip


@dataclass(frozen=True)
class Removal:
    """What goes with one directory.

    Args:
        path: of the directory.
        runs: the run directories that it is or holds.
        size: bytes of all files in it.
        is_sweep: whether it is a sweep.
        of_stack: whether it is one run of several that were trained together.
        others: names of files in it that no run or sweep makes, below it.
    """

    path: Path
    runs: Sequence[Path]
    size: int
    is_sweep: bool
    of_stack: bool
    others: Sequence[str]


def removals(paths: Iterable[str | Path]) -> list[Removal]:
    """What would go, each directory once; one that lies in another goes with it.

    Raises:
        RunDirectoryError: for what is no run or sweep directory, or a link to one, or where this
            process stands in it.
        DirectoryTakenError: if a run in it is being written.
    """
    by_real_path = {Path(os.path.realpath(path)): Path(path) for path in paths}
    for real, path in by_real_path.items():
        _refuse_what_is_no_run(path, real)
    return [
        _removal(path)
        for real, path in by_real_path.items()
        if not any(above in by_real_path for above in real.parents)
    ]


def remove(removal: Removal) -> None:
    """Removes a directory.

    Raises:
        DirectoryTakenError: if a run in it is being written by now.
        RunDirectoryError: if it cannot be removed, saying where the rest is.
    """
    _refuse_running(removal.runs)
    if not removal.is_sweep:
        _remove_from_packs(removal.path)  # first: else it would come back from there
    if not os.path.lexists(removal.path):
        return
    lock = DirectoryLock(removal.path)
    gone = removal.path.with_name(f"{REMOVED}.{removal.path.name[:200]}.{os.getpid()}")
    try:
        with writing(removal.path):
            removal.path.rename(gone)
        with signals.done_at_end(lambda: _tell_rest(removal.path, gone)):
            _delete(gone)
    except OSError as err:
        raise RunDirectoryError(
            f"cannot remove all of '{removal.path}': {err.strerror}; the rest is in '{gone}'"
        ) from err
    finally:
        lock.release()


def keep_log_alone(paths: RunPaths) -> None:
    """Removes what a run has made, but for `run.log`; files of others that lie beside it stay.

    Raises:
        RunDirectoryError: if something cannot be removed.
    """
    gone = OWN_NAMES - {paths.log.name}
    with writing(paths.root):
        for path in list(paths.root.iterdir()):
            if path.name in gone or path.name.startswith(EVENT_PREFIX):
                path.unlink(missing_ok=True)
        for folder in (paths.checkpoints, paths.hydra):
            shutil.rmtree(folder, ignore_errors=True)


def _remove_from_packs(path: Path) -> None:
    """A run goes from all packs that have it, each of which is written anew."""
    for pack in packs_of(path.parent).every([]):
        if path.name in pack.runs:
            without_runs(pack.path, lambda run: run == path.name)


def _delete(folder: Path) -> None:
    """Removes a folder, also where the removal of one above it is at work in it too."""
    for _ in range(MOST_TRIES):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if folder.exists():
                continue
        return
    shutil.rmtree(folder)


def left_behind(folders: Iterable[Path]) -> list[Path]:
    """What removals that broke off left in folders; no process is at it.

    Args:
        folders: that directories were removed from.
    """
    found = (path for folder in folders for path in sorted(folder.glob(f"{REMOVED}.*")))
    return [
        path
        for path in found
        if path.is_dir() and not path.is_symlink() and not is_being_written(path)
    ]


def _tell_rest(path: Path, gone: Path) -> None:
    """Where a signal ends the process on the spot; what is left then would not be found."""
    rest = printable(str(gone))
    line = f"error: '{printable(str(path))}' is removed in part; the rest is in '{rest}'\n"
    os.write(2, line.encode(errors="replace"))


def _refuse_what_is_no_run(path: Path, real: Path) -> None:
    """Raises `RunDirectoryError` unless it is a run or a sweep that may go."""
    name = printable(str(path))
    if path.is_symlink():
        raise RunDirectoryError(f"'{name}' is a link; name the directory '{real}' itself")
    if pack_of(path) is not None:
        return
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise RunDirectoryError(f"'{name}' {what}; name a run directory or a sweep")
    if not _is_run(path) and not _is_sweep(path):
        raise RunDirectoryError(f"'{name}' is neither a run nor a sweep; it is left alone")
    if Path.cwd().resolve().is_relative_to(real):
        raise RunDirectoryError(f"'{name}' is where you are; go elsewhere first")


def _is_run(path: Path) -> bool:
    """Whether it is ours, also where its files are damaged: then it must have more than one."""
    paths = RunPaths(path)
    if not _is_file(paths.status):
        return False
    with suppress(RunDirectoryError):
        written_status(paths)
        return True
    return _is_file(paths.config) and paths.checkpoints.is_dir()


def _is_sweep(path: Path) -> bool:
    return _is_file(path / SWEEP_JOBS) and _is_file(path / SWEEP_CONFIG)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _removal(path: Path) -> Removal:
    if (pack := pack_of(path)) is not None:
        _refuse_running([path])
        size = sum(size for _, size in pack.contents.files(path.name).values())
        return Removal(path, [path], size, is_sweep=False, of_stack=True, others=[])
    runs, others, size = [], [], 0
    for folder, _, files in os.walk(path):  # does not follow links
        names = set(files)
        if STATUS in names and _is_run(Path(folder)):
            runs.append(Path(folder))
        size += sum(_size(f"{folder}/{name}") for name in names)
        others += [f"{folder}/{name}" for name in names if not _is_ours(folder, name)]
    _refuse_running([path, *runs])
    for pack in packs_of(path).every([]):
        refuse_in_training(pack)
    runs += [path / run for run in runs_in_packs(path) if not (path / run).exists()]
    below = [str(Path(one).relative_to(path)) for one in sorted(others)]
    return Removal(path, runs, size, _is_sweep(path), _is_of_stack(path), below)


def _size(file: str) -> int:
    """Bytes of a file; none of one that is going just now."""
    try:
        return os.lstat(file).st_size
    except FileNotFoundError:
        return 0


def _is_of_stack(path: Path) -> bool:
    if not _is_file(path.parent / SWEEP_JOBS):
        return False
    with suppress(RunDirectoryError):
        return bool(read_json(RunPaths(path).result).get("group"))
    return False


def _is_ours(folder: str, name: str) -> bool:
    """Whether a run or a sweep makes such a file in such a folder; hidden files count as made."""
    is_own = name in OWN_NAMES or is_pack_name(name) or name.startswith(EVENT_PREFIX)
    is_hidden, parent = "/." in f"{folder}/{name}", Path(folder).name
    return is_own or is_hidden or f"{parent}/{name}" in RUN_FILES


def _refuse_running(folders: Iterable[Path]) -> None:
    for folder in folders:
        if is_being_made(folder):
            raise DirectoryTakenError(
                f"'{printable(str(folder))}' is being written by another process; wait for it, "
                "or stop it first"
            )
