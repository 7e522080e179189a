"""Where the files of runs are written: in a directory for each run, or in a pack for a stack."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from seedbed.runs.files import write_all, write_bytes, write_pieces, writing
from seedbed.runs.same_files import SameFiles

Content = bytes | Iterable[bytes]
"""Of a file; one that is large comes in pieces."""

Collected = list[tuple[Path, bytes, bool]]
"""Files that are to be written yet, and whether other runs have the same."""


class RunFiles(Protocol):
    """Writes the files of runs; each is told by its path in the directory, or in one to be.

    Whatever is written is whole or not there, also where the process is killed.
    """

    def write(self, path: Path, content: Content, *, flush: bool = False) -> None:
        """Writes a file, or replaces it; with `flush` it is on the disk when this returns."""
        ...

    def write_same(self, path: Path, content: Content, same: SameFiles) -> None:
        """As `write`, for a file that other runs have too: those of `same` share it."""
        ...

    def write_all(self, files: Sequence[tuple[Path, Content]], *, flush: bool) -> None:
        """As `write` for each; waits for the disk once."""
        ...

    def append(self, path: Path, content: bytes) -> None:
        """Adds to the end of a file, which is made where it is not there."""
        ...

    def cut(self, path: Path, size: int) -> None:
        """Takes away what a file has beyond a size."""
        ...

    def remove(self, path: Path) -> None:
        """Takes away a file, where it is there."""
        ...

    def read(self, path: Path) -> bytes | None:
        """The content of a file; None where it is not there."""
        ...

    def names(self, root: Path) -> list[str]:
        """The names of the files in a run's directory, without those in folders below it."""
        ...

    def make_folder(self, path: Path) -> None:
        """Makes a folder of a run, where it is not there."""
        ...

    def commit(self, *, flush: bool = False) -> None:
        """All that was written can be seen by others when this returns."""
        ...

    def collecting(self) -> AbstractContextManager[Collected]:
        """What is written inside, where a fork cannot write it: its parent is to `take` it."""
        ...

    def take(self, files: Collected) -> None:
        """Writes what was collected."""
        ...


class OnDisk:
    """`RunFiles` of runs that have a directory each."""

    def write(self, path: Path, content: Content, *, flush: bool = False) -> None:
        """See `RunFiles`."""
        if isinstance(content, bytes):
            write_bytes(path, content, flush=flush)
        else:
            write_pieces(path, content, flush=flush)

    def write_same(self, path: Path, content: Content, same: SameFiles) -> None:
        """See `RunFiles`."""
        if isinstance(content, bytes):
            same.write(path, content)
        else:
            self.write(path, content)

    def write_all(self, files: Sequence[tuple[Path, Content]], *, flush: bool) -> None:
        """See `RunFiles`."""
        write_all([(p, one) for p, one in files if isinstance(one, bytes)], flush=flush)
        for path, content in files:
            if not isinstance(content, bytes):
                self.write(path, content, flush=flush)

    def append(self, path: Path, content: bytes) -> None:
        """See `RunFiles`."""
        with writing(path), path.open("ab") as file:
            file.write(content)

    def cut(self, path: Path, size: int) -> None:
        """See `RunFiles`."""
        with writing(path):
            os.truncate(path, size)

    def remove(self, path: Path) -> None:
        """See `RunFiles`."""
        with writing(path):
            path.unlink(missing_ok=True)

    def read(self, path: Path) -> bytes | None:
        """See `RunFiles`."""
        with suppress(OSError):
            return path.read_bytes()
        return None

    def names(self, root: Path) -> list[str]:
        """See `RunFiles`."""
        with os.scandir(root) as entries:
            return sorted(entry.name for entry in entries)

    def make_folder(self, path: Path) -> None:
        """See `RunFiles`."""
        with writing(path):
            path.mkdir(exist_ok=True)

    def commit(self, *, flush: bool = False) -> None:
        """Nothing: each file was written at once."""

    @contextmanager
    def collecting(self) -> Iterator[Collected]:
        """Nothing: a fork writes files as well."""
        yield []

    def take(self, files: Collected) -> None:
        """Nothing: all are written."""


def whole(content: Content) -> bytes:
    """All of a file's content."""
    return content if isinstance(content, bytes) else b"".join(content)


ON_DISK = OnDisk()
