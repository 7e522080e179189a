"""Which files a pack holds, and where: read from its headers, or from its index.

A pack that was closed has an index at its end, which is read a hundred times as fast. Where it is
not as it was written, the headers tell.
"""

import json
from array import array
from collections import Counter
from dataclasses import dataclass, field
from operator import add
from pathlib import Path

from seedbed.errors import RunDirectoryError
from seedbed.runs.files import printable
from seedbed.runs.layout import is_run_file
from seedbed.runs.part_of_file import read_at
from seedbed.runs.tar_members import BLOCK, END, Member, padding, parsed

FORMAT = 1
ABOUT = ".seedbed"
"""Folder of what is no run's: `format.json`, the first member, and contents that runs share."""

FORMAT_FILE = "format.json"
INDEX_FILE = "index.json"
END_FILE = "end.json"
"""The last member, of one block: where the index is."""

LARGEST_ABOUT, LARGEST_INDEX = 4096, 2**23
"""Bytes of `format.json`, and of an index that is read: that of 20,000 runs is so large."""

MOST_NAMES = 100_000
"""Different names of files in a pack; runs of a stack have the same."""

Place = tuple[int, int]
"""Where a content begins, and how long it is."""

NO_INDEX = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What an index that is none raises when it is read."""


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

    def drop(self, run: str, name: str) -> bool:
        """Forgets a file of a run; whether it was there. What is in the pack of it stays there."""
        number, flat = self._numbers.get(name), self.runs.get(run, array("q"))
        for at in range(0, len(flat), 3):
            if flat[at] == number:
                del flat[at : at + 3]
                if not flat:
                    del self.runs[run]
                return True
        return False

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
        """Where contents are that several files have."""
        uses = Counter(place for run in self.runs for place in self.files(run).values())
        return {place for place, number in uses.items() if number > 1}

    def index(self) -> bytes:
        """All that a reader has to know, for the end of a pack."""
        runs = {run: list(flat) for run, flat in self.runs.items()}
        return json.dumps({"names": self._names, "runs": runs}, separators=(",", ":")).encode()

    @classmethod
    def of_index(cls, content: bytes, end: int) -> "Contents":
        """As `index` told it of a pack, which may be a stranger's.

        Args:
            content: of the index.
            end: where it begins: all files lie before it.

        Raises:
            ValueError, TypeError, KeyError, AttributeError, OverflowError: if it is none.
        """
        told = json.loads(content)
        made = cls(end=end, is_whole=True)
        different: set[Place] = set()
        for name in told["names"]:
            made._number(name)
        for run, places in told["runs"].items():
            _refuse_no_folder(run)
            flat = array("q", places)
            numbers, begins, sizes = flat[0::3], flat[1::3], flat[2::3]
            ends = map(add, begins, sizes)
            if (
                not len(numbers) == len(begins) == len(sizes) > 0
                or min(flat) < 0
                or max(numbers) >= len(made._names)
                or max(ends) > end
            ):
                raise ValueError(f"the places of {printable(run)} are none")
            made.runs[run] = flat
            different.update(zip(begins, sizes, strict=True))
        if sum(size for _, size in different) > end:
            raise ValueError("files lie over each other")
        return made

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


def content_at(file: int, place: Place, path: Path) -> bytes:
    """What is at a place of an open pack."""
    content = read_at(file, place)
    if len(content) < place[1]:
        raise RunDirectoryError(f"'{path}' became shorter while it was read")
    return content


def contents_of(file: int, size: int, path: Path) -> Contents:
    """Reads all headers of an open pack.

    Raises:
        RunDirectoryError: as `Pack`.
    """
    try:
        return _indexed(file, size)
    except NO_INDEX:
        contents = Contents()
    try:
        _read_headers(contents, file, size)
    except (ValueError, RecursionError) as err:
        reason = printable(str(err))[:200]
        raise RunDirectoryError(
            f"'{path}' is damaged, or no pack of runs: {reason}, at byte {contents.end}"
        ) from err
    return contents


def _indexed(file: int, size: int) -> Contents:
    """By the index.

    Raises:
        ValueError, …: those of `NO_INDEX`.
    """
    first = parsed(read_at(file, (0, BLOCK)))
    _refuse_other_format(first, read_at(file, (BLOCK, min(first.size, LARGEST_ABOUT))))
    last = size - len(END) - 2 * BLOCK
    if last < 0 or read_at(file, (size - len(END), len(END))) != END:
        raise ValueError("it was not closed")
    content = _about(file, last, END_FILE)
    begin = json.loads(content)["index"]
    if type(begin) is not int or not 0 <= begin < last:
        raise ValueError(f"the index is at {begin}")
    return Contents.of_index(_about(file, begin, INDEX_FILE), begin)


def _about(file: int, begin: int, name: str) -> bytes:
    """The content of a member that tells of the pack itself."""
    member = parsed(read_at(file, (begin, BLOCK)))
    if (member.folder, member.name, member.target) != (ABOUT, name, ""):
        raise ValueError(f"no {name}")
    if member.size > LARGEST_INDEX:
        raise ValueError(f"{name} is too large")
    return read_at(file, (begin + BLOCK, member.size))


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
