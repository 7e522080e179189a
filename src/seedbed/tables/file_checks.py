"""What is asked of a file before it is read: that it is there, holds something, and fits."""

from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from seedbed.errors import DataError
from seedbed.process.memory import memory_bytes


def must_be_file(path: Path, key: str, *, in_memory: bool = True) -> None:
    """Refuses what is not a readable file with something in it.

    Args:
        path: of it.
        key: the config key or argument that names it.
        in_memory: whether it has to fit into memory.

    Raises:
        DataError: saying what it is.
    """
    try:
        if path.is_dir():
            raise DataError(f"{key}: '{path}' is a folder, not a file")
        if not path.is_file():
            raise DataError(f"{key}: no file '{path}'{_hint(path)}")
        if path.stat().st_size == 0:
            raise DataError(f"{key}: '{path}' is empty")
        if in_memory:
            refuse_larger_than_memory(path.stat().st_size, path, key)
        path.open("rb").close()
    except (OSError, ValueError) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise DataError(f"{key}: cannot read '{path}': {reason}") from err


def _hint(path: Path) -> str:
    """The file beside it whose name is most alike, its ending and the case of letters aside.

    A name without an ending may be a folder's.
    """
    if not path.parent.is_dir():
        return f"; there is no folder '{path.parent}'"
    beside = [one for one in path.parent.iterdir() if one.is_file() or not path.suffix]
    near = {one.stem.lower(): one.name for one in sorted(beside, key=Path.is_file)}
    nearest = get_close_matches(path.stem.lower(), near, n=1, cutoff=0.75)
    return f"; did you mean '{near[nearest[0]]}'?" if nearest else ""


def refuse_larger_than_memory(size: float, path: Path, key: str) -> None:
    """Refuses before reading.

    Raises:
        DataError: with both sizes.
    """
    if size > memory_bytes():
        raise DataError(
            f"{key}: '{path}' holds {size / 2**30:.3g} GiB, this machine's memory "
            f"{memory_bytes() / 2**30:.3g} GiB"
        )


class Stamp(NamedTuple):
    """What a file has another of when it is written into or anew, of all that are not there -1.

    Args:
        size: in bytes.
        written: time, which programs such as `touch` and `rsync` may put back.
        changed: time of any change, which none can choose; on Windows that of making the file.
        number: on the disk.
    """

    size: int
    written: int
    changed: int
    number: int


def stamp(path: Path) -> Stamp:
    """Of a file as it is now."""
    try:
        told = path.stat()
    except OSError:
        return Stamp(-1, -1, -1, -1)
    return Stamp(told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino)


def refuse_changed(path: Path, before: Stamp, key: str) -> None:
    """Raises DataError if a file is another than the one with this stamp."""
    if stamp(path) != before:
        raise changed(path, key)


def changed(path: Path, key: str, *, came: bool = False) -> DataError:
    """The error of a file that is another than when the run began to read, or was not there."""
    if came:
        return DataError(f"{key}: '{path}' came while the run read the others; begin a new run")
    there = "changed" if path.is_file() else "was taken away"
    return DataError(
        f"{key}: '{path}' {there} while the run read it; put it back as it was and type seedbed "
        "resume RUN, or begin a new run on what it holds now"
    )
