"""Writes what a command makes for its reader: whole, and without litter of one that was killed.

A run clears up in its own directory when it goes on; beside a page or a picture nobody does.
"""

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from seedbed.runs.files import write_bytes, write_pieces
from seedbed.runs.owner import is_there

LEFT_SECONDS = 60.0
"""How old a file must be to be taken for left: on a shared disk its process may be elsewhere."""


def write_output(path: Path, content: bytes | Iterable[bytes]) -> None:
    """As `write_bytes` or `write_pieces`; takes away what processes left beside that are gone.

    Args:
        path: of the file.
        content: all of it, or its pieces.

    Raises:
        RunDirectoryError: if it cannot be written.
    """
    _remove_left(path)
    if isinstance(content, bytes):
        write_bytes(path, content)
    else:
        write_pieces(path, content)


def _remove_left(path: Path) -> None:
    """Removes files under the names that `write_bytes` gives them first, and nothing else."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.(\d+)\.tmp")
    with suppress(OSError):
        for beside in path.parent.iterdir():
            match = ours.fullmatch(beside.name)
            if match and is_left(beside, int(match[1])):
                beside.unlink(missing_ok=True)


def is_left(path: Path, process: int) -> bool:
    """Whether the process is gone that made something, and it has been for a while."""
    return not is_there(process) and _age(path) > LEFT_SECONDS


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime
