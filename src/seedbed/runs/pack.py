"""A pack: the runs of one stack in one file, a tar archive that only grows while it trains.

`SWEEP/stack_1.tar` holds each file of a run as `RUN/NAME`; of two with one name the later counts.
So a process that is killed leaves all that it wrote before, and at most one member that is cut off.
`tar -xf` gives the run directories as well. Nothing in it is executed, compressed or followed.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from seedbed.runs.files import open_plain
from seedbed.runs.pack_contents import content_at, contents_of

PACK_NAME = re.compile(r"stack_([1-9][0-9]{0,8})\.tar")


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

    Args:
        path: of the file.

    Raises:
        RunDirectoryError: if it is damaged, of a newer version, no pack, or no plain file.
        FileNotFoundError: if there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_plain(path) as file:
            number = file.fileno()
            self.contents = contents_of(number, os.fstat(number).st_size, path)

    @property
    def runs(self) -> Mapping[str, object]:
        """By the names of their folders."""
        return self.contents.runs

    def read(self, run: str, name: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: if it is not there.
            RunDirectoryError: if the pack became shorter meanwhile.
        """
        place = self.contents.place(run, name)
        if place is None:
            raise FileNotFoundError(f"{run}/{name}")
        with self.opened() as file:
            return content_at(file, place, self.path)

    def whole_run(self, run: str) -> Iterator[tuple[str, bytes]]:
        """The names and contents of a run's files, in the order in which they were begun."""
        with self.opened() as file:
            for name, place in self.contents.files(run).items():
                yield name, content_at(file, place, self.path)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The number of the open file."""
        with open_plain(self.path) as file:
            yield file.fileno()
