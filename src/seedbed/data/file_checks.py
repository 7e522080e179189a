"""What is asked of a file before it is read: that it is there, holds something, and fits."""

import os
from pathlib import Path

from seedbed.errors import DataError


def memory_bytes() -> float:
    """The memory of this machine; all rows are held in it. Infinite where nobody tells."""
    if not hasattr(os, "sysconf"):  # Windows
        return float("inf")
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def must_be_file(path: Path, key: str) -> None:
    """Refuses what is not a readable file with something in it.

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
        refuse_larger_than_memory(path.stat().st_size, path, key)
        path.open("rb").close()
    except (OSError, ValueError) as err:
        said = err.strerror if isinstance(err, OSError) else err
        raise DataError(f"{key}: cannot read '{path}': {said}") from err


def _hint(path: Path) -> str:
    from seedbed.config.hints import did_you_mean

    near = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    return did_you_mean(path.name, near)


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
