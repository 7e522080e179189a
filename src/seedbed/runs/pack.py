"""A pack: the runs of one stack in one file, a tar archive that only grows while it trains.

`SWEEP/stack_1.tar` holds each file of a run as `RUN/NAME`; of two with one name the later counts.
So a process that is killed leaves all that it wrote before, and at most one member that is cut off.
`tar -xf` gives the run directories as well. Nothing in it is executed, compressed or followed.
"""

import io
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from seedbed.errors import PackReplacedError, RunDirectoryError
from seedbed.runs.files import open_plain
from seedbed.runs.pack_contents import content_at, contents_of
from seedbed.runs.part_of_file import PartOfFile

PACK_NAME = re.compile(r"stack_([1-9][0-9]{0,8})\.tar")


SPARSE = 2**26
"""Bytes; a file that has no more may be holes, or well compressed by its file system."""


def allocated_bytes(file: int) -> int:
    """What an open file takes of the disk; its length where that is not told."""
    state = os.fstat(file)
    return getattr(state, "st_blocks", -(-state.st_size // 512)) * 512


def pack_name(number: int) -> str:
    """Of the file that holds the runs of a stack."""
    return f"stack_{number}.tar"


def is_pack_name(name: str) -> bool:
    """Whether a file of a sweep is called as a pack is."""
    return PACK_NAME.fullmatch(name) is not None


def number_of(name: str) -> int:
    """Of the stack whose pack has the name."""
    match = PACK_NAME.fullmatch(name)
    assert match is not None
    return int(match[1])


class Pack:
    """A pack that may come from a stranger; read as it stands now.

    It may grow meanwhile. Where a file with other runs has taken its place, nothing is read of it.

    Args:
        path: of the file.

    Raises:
        RunDirectoryError: if it is damaged, of a newer version, no pack, or no plain file.
        FileNotFoundError: if there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_plain(path) as file:
            self._state = os.fstat(file.fileno())
            self.contents = contents_of(file.fileno(), self._state.st_size, path)

    @property
    def runs(self) -> Mapping[str, object]:
        """By the names of their folders."""
        return self.contents.runs

    def read(self, run: str, name: str) -> bytes:
        """The content of a file; see `open`."""
        with self.open(run, name) as file:
            return file.read()

    def open(self, run: str, name: str) -> io.BufferedReader:
        """Opens a file.

        Raises:
            FileNotFoundError: if it is not there.
            PackReplacedError: if another pack has taken the place of this one.
        """
        place = self.contents.place(run, name)
        if place is None:
            raise FileNotFoundError(f"{run}/{name}")
        return io.BufferedReader(PartOfFile(self._open(), place))

    def whole_run(self, run: str) -> Iterator[tuple[str, bytes]]:
        """The names and contents of a run's files, in the order in which they were begun.

        Raises:
            RunDirectoryError: if the pack says to be larger than it is on the disk.
            PackReplacedError: if another pack has taken the place of this one.
        """
        files = self.contents.files(run)
        with self.opened() as file:
            size = sum(size for _, size in {*files.values()})
            if size > max(allocated_bytes(file), SPARSE):
                raise RunDirectoryError(
                    f"'{self.path}' has {size} bytes of '{run}', more than it is on the disk"
                )
            for name, place in files.items():
                yield name, content_at(file, place, self.path)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The number of the open file.

        Raises:
            PackReplacedError: if another pack has taken the place of this one.
        """
        with self._open() as file:
            yield file.fileno()

    def _open(self) -> BinaryIO:
        replaced = f"'{self.path}' was written anew meanwhile; type the command again"
        try:
            file = open_plain(self.path)
        except FileNotFoundError as err:
            raise PackReplacedError(replaced) from err
        now, known = os.fstat(file.fileno()), self._state
        if not os.path.samestat(now, known) or now.st_size < known.st_size:
            file.close()
            raise PackReplacedError(replaced)
        return file
