"""Files of equal content in the directories of several runs: one file that has a name in each.

A name takes no inode, and a third of the time of a file. Only for files that are replaced whole and
never changed in place, as those of `write_bytes` are.
"""

# ruff: noqa: PTH105, PTH108

import os
from contextlib import suppress
from pathlib import Path

from seedbed.runs.files import beside_name, write_bytes, write_new, writing


class SameFiles:
    """Writes files, and gives those whose content it has written before a second name instead.

    Where a file system has no hard links, or a file has as many names as it may, the content is
    written.
    """

    def __init__(self) -> None:
        self._written: dict[bytes, Path] = {}

    def write(self, path: Path, content: bytes) -> None:
        """As `write_bytes`; a file that is there is replaced."""
        if not write_same(path, self._written.get(content), content):
            self._written[content] = path

    def write_new(self, path: Path, content: bytes) -> None:
        """As `write_new`: where there is no file of that name.

        Raises:
            RunDirectoryError: if there is one, its cause being a `FileExistsError`.
        """
        earlier = self._written.get(content)
        if earlier is None or not _linked(earlier, path):
            write_new(path, content)
            self._written[content] = path


def write_same(path: Path, earlier: Path | None, content: bytes) -> bool:
    """Gives a file another name; where that cannot be done, its content is written.

    Args:
        path: the name; a file that has it is replaced.
        earlier: a file with the content, or None.
        content: all of it.

    Returns:
        Whether the two are one file now.
    """
    if earlier is not None and _renamed_link(earlier, path):
        return True
    write_bytes(path, content)
    return False


def _linked(earlier: Path, path: str | Path) -> bool:
    """Whether a file has a second name now; one that is there is left."""
    try:
        os.link(earlier, path)
    except OSError:
        return False
    return True


def _renamed_link(earlier: Path, path: Path) -> bool:
    if _linked(earlier, path):
        return True
    if not os.path.lexists(path) or not _linked(earlier, beside := beside_name(path)):
        return False
    with writing(path, beside):
        os.replace(beside, path)
    with suppress(OSError):  # two names of one file: the system has left both
        os.unlink(beside)
    return True
