"""A pack: the runs of one stack in one file, a tar archive that only grows while it trains.

`SWEEP/stack_1.tar` holds each file of a run as `RUN/NAME`; of two with one name the later counts.
So a process that is killed leaves all that it wrote before, and at most one member that is cut off.
`tar -xf` gives the run directories as well. Nothing in it is executed, compressed or followed.
"""

import json
import os
import re
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from seedbed.errors import RunDirectoryError
from seedbed.runs.files import open_plain, printable
from seedbed.runs.layout import is_run_file
from seedbed.runs.tar_members import BLOCK, Headers, Member, padding, parsed

PACK_NAME = re.compile(r"stack_([1-9][0-9]{0,8})\.tar")

FORMAT = 1
ABOUT = ".seedbed"
"""Folder of what is no run's: `format.json`, the first member, and contents that runs share."""

FORMAT_FILE = "format.json"

LARGEST_ABOUT = 4096
"""Bytes of `format.json`."""

MOST_NAMES = 100_000
"""Different names of files in a pack; runs of a stack have the same."""

Place = tuple[int, int]
"""Where a content begins, and how long it is."""


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


@dataclass
class Contents:
    """Which files a pack holds, and where.

    Args:
        runs: of each, by its folder's name: the number of a file's name, its begin and its length,
            one after the other.
        end: how much of the pack was read; what comes behind is cut off, or ends it.
        is_whole: whether the pack was closed, not cut off.
    """

    runs: dict[str, "array[int]"] = field(default_factory=dict)
    end: int = 0
    is_whole: bool = False
    _names: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _shared: dict[str, Place] = field(default_factory=dict)

    def add(self, member: Member, begin: int) -> None:
        """Takes in a member.

        Raises:
            ValueError: if no pack has such a member.
        """
        place = (begin, member.size)
        if member.target:
            folder, _, name = member.target.partition("/")
            if folder != ABOUT or name not in self._shared:
                raise ValueError(f"'{printable(member.target)}' is not there")
            place = self._shared[name]
        if member.folder == ABOUT and not member.target:
            self._shared[member.name] = place
        else:
            self.put(member.folder, member.name, place)

    def put(self, run: str, name: str, place: Place) -> None:
        """Says where a file of a run is now."""
        number = self._number(name)
        flat = self.runs.get(run)
        if flat is None:
            _refuse_no_folder(run)
            flat = self.runs[run] = array("q")
        for at in range(0, len(flat), 3):
            if flat[at] == number:
                flat[at + 1], flat[at + 2] = place
                return
        flat.extend((number, *place))

    def files(self, run: str) -> dict[str, Place]:
        """The files of a run; none of one that is not there."""
        flat = self.runs.get(run, ())
        return {
            self._names[flat[at]]: (flat[at + 1], flat[at + 2]) for at in range(0, len(flat), 3)
        }

    def place(self, run: str, name: str) -> Place | None:
        """Where a file is; None if it is not there."""
        number, flat = self._numbers.get(name), self.runs.get(run, ())
        for at in range(0, len(flat), 3):
            if flat[at] == number:
                return flat[at + 1], flat[at + 2]
        return None

    def shared(self, name: str) -> Place:
        """Where a content is that runs share."""
        return self._shared[name]

    def shared_places(self) -> set[Place]:
        """Where contents are that several files may have."""
        return set(self._shared.values())

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            if not is_run_file(name) or len(self._names) >= MOST_NAMES:
                raise ValueError(f"'{printable(name)}' is no file of a run")
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        return number


def _refuse_no_folder(name: str) -> None:
    if not name or name[0] == "." or "/" in name or "\\" in name or not name.isprintable():
        raise ValueError(f"'{printable(name)}' is no name of a run's folder")


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


def content_at(file: int, place: Place, path: Path) -> bytes:
    """What is at a place of an open pack."""
    content = read_at(file, place)
    if len(content) < place[1]:
        raise RunDirectoryError(f"'{path}' became shorter while it was read")
    return content


def read_at(file: int, place: Place) -> bytes:
    """What is at a place of an open file, as far as that goes."""
    if hasattr(os, "pread"):
        return os.pread(file, place[1], place[0])
    os.lseek(file, place[0], os.SEEK_SET)  # Windows
    return os.read(file, place[1])


def contents_of(file: int, size: int, path: Path) -> Contents:
    """Reads all headers of an open pack.

    Raises:
        RunDirectoryError: as `Pack`.
    """
    contents = Contents()
    try:
        _read_headers(contents, file, size)
    except (ValueError, RecursionError) as err:
        reason = printable(str(err))[:200]
        raise RunDirectoryError(
            f"'{path}' is damaged, or no pack of runs: {reason}, at byte {contents.end}"
        ) from err
    return contents


def _read_headers(contents: Contents, file: int, size: int) -> None:
    while contents.end + BLOCK <= size:
        block = read_at(file, (contents.end, BLOCK))
        if len(block) < BLOCK:
            return
        if not block.strip(b"\0"):  # it was closed; or a disk that lost its power left zeros
            contents.is_whole = True
            return
        member, begin = parsed(block), contents.end + BLOCK
        if begin + member.size > size:
            return  # cut off
        if contents.end == 0:
            _refuse_other_format(member, read_at(file, (begin, min(member.size, LARGEST_ABOUT))))
        contents.add(member, begin)
        contents.end = begin + member.size + len(padding(member.size))
    contents.end = min(contents.end, size)


def _refuse_other_format(first: Member, content: bytes) -> None:
    if (first.folder, first.name) != (ABOUT, FORMAT_FILE):
        raise ValueError(f"it begins with '{printable(first.name)}'")
    about = json.loads(content)
    told = about.get("format") if isinstance(about, dict) else about
    if told != FORMAT:
        newer = "; it is of a newer Seedbed" if isinstance(told, int) and told > FORMAT else ""
        raise ValueError(f"its format is {printable(repr(told))[:40]}, not {FORMAT}{newer}")


def first_member() -> bytes:
    """What every pack begins with."""
    content = json.dumps({"format": FORMAT}).encode()
    return Headers().of(ABOUT, FORMAT_FILE, len(content)) + content + padding(len(content))
