"""Writes the runs of a stack into a pack, which grows at its end and is whole at any moment."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Self

from seedbed.runs.files import NOT_FOLLOWED, write_pieces, writing
from seedbed.runs.layout import run_and_name
from seedbed.runs.lock import DirectoryLock
from seedbed.runs.owner import refuse_gone, taken
from seedbed.runs.pack import pack_name
from seedbed.runs.pack_contents import ABOUT, content_at
from seedbed.runs.pack_members import PackMembers
from seedbed.runs.pack_rewriting import pieces_of
from seedbed.runs.run_files import Collected, Content, whole
from seedbed.runs.same_files import SameFiles

CHUNK = 2**22
"""Bytes that wait in memory before they are written."""

WORTH = 1.25
"""A pack is written anew at its end if that makes it so many times smaller."""


class PackWriter:
    """`RunFiles` of the runs of a stack, in a new pack; held by this process until it is closed.

    Args:
        sweep: directory that the pack lies in.
        number: of the stack; a later one is taken where there is such a pack.
        after: the number of the latest pack that has one of the runs; 0 where none has.

    Raises:
        RunDirectoryError: if it cannot be made.
    """

    def __init__(self, sweep: Path, number: int, after: int = 0) -> None:
        self._members = PackMembers()
        self._waiting: list[bytes] = []
        self._on_disk = 0
        self._shared: dict[bytes, str] = {}
        self._collected: Collected | None = None
        self._has_more = False  # than is to be in it at its end
        self.path, self._file = _made(sweep, max(number, after + 1))
        self._lock = DirectoryLock(self.path)
        self._add(self._members.first())
        self.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, path: Path, content: Content, *, flush: bool = False) -> None:
        """See `RunFiles`."""
        content = whole(content)
        if self._collected is not None:
            self._collected.append((path, content, False))
            return
        _, run, name = run_and_name(path)
        self._add(self._members.file(run, name, content))
        if flush:
            self.commit(flush=True)

    def write_same(self, path: Path, content: Content, same: SameFiles | None = None) -> None:
        """See `RunFiles`; all runs of the pack share it, whatever `same` has."""
        content = whole(content)
        if self._collected is not None:
            self._collected.append((path, content, True))
            return
        _, run, name = run_and_name(path)
        digest = blake2b(content, digest_size=16).digest()
        if digest not in self._shared:
            self._shared[digest] = str(len(self._shared))
            self._add(self._members.file(ABOUT, self._shared[digest], content))
        self._add(self._members.same(run, name, self._shared[digest]))

    def write_all(self, files: Sequence[tuple[Path, Content]], *, flush: bool) -> None:
        """See `RunFiles`."""
        for path, content in files:
            self.write(path, content)
        self.commit(flush=flush)

    def append(self, path: Path, content: bytes) -> None:
        """See `RunFiles`; the whole file is written again."""
        self.write(path, (self.read(path) or b"") + content)

    def cut(self, path: Path, size: int) -> None:
        """See `RunFiles`."""
        before = self.read(path) or b""
        if len(before) > size:
            self.write(path, before[:size])

    def remove(self, path: Path) -> None:
        """See `RunFiles`; others see it until the pack is closed, as one can only add to it."""
        _, run, name = run_and_name(path)
        if self._members.contents.drop(run, name):
            self._has_more = True

    def read(self, path: Path) -> bytes | None:
        """See `RunFiles`."""
        _, run, name = run_and_name(path)
        place = self._members.contents.place(run, name)
        if place is None:
            return None
        if place[0] + place[1] > self._on_disk:
            self.commit()
        return content_at(self._file, place, self.path)

    def names(self, root: Path) -> list[str]:
        """See `RunFiles`."""
        return sorted(name for name in self._members.contents.files(root.name) if "/" not in name)

    def make_folder(self, path: Path) -> None:
        """Nothing: a pack has no folders."""

    def commit(self, *, flush: bool = False) -> None:
        """See `RunFiles`; where the disk is full, the pack stays as it was.

        Raises:
            RunTakenError: if another file has its name by now, or none has.
        """
        with writing(self.path):
            refuse_gone(self.path)
            if not os.path.samestat(self.path.lstat(), os.fstat(self._file)):
                raise taken(self.path, None)
            try:
                os.lseek(self._file, self._on_disk, os.SEEK_SET)
                at = self._on_disk
                rest = memoryview(b"".join(self._waiting))
                while rest:  # the system may write less than it is given
                    count = os.write(self._file, rest)
                    rest, at = rest[count:], at + count
            except OSError:
                os.ftruncate(self._file, self._on_disk)
                raise
            self._on_disk = at
            self._waiting.clear()
            if flush:
                os.fsync(self._file)

    @contextmanager
    def collecting(self) -> Iterator[Collected]:
        """See `RunFiles`."""
        self._collected = []
        try:
            yield self._collected
        finally:
            self._collected = None

    def take(self, files: Collected) -> None:
        """See `RunFiles`."""
        for path, content, is_shared in files:
            if is_shared:
                self.write_same(path, content)
            else:
                self.write(path, content)

    def close(self) -> None:
        """Ends the pack, and lets go of it; what was replaced is taken out if it is much."""
        try:
            contents = self._members.contents
            places = {place for run in contents.runs for place in contents.files(run).values()}
            is_large = self._members.size > WORTH * sum(size for _, size in places) + CHUNK
            if is_large or self._has_more:
                self.commit()
                write_pieces(self.path, pieces_of(self._members.contents, self._file, self.path))
            else:
                self._add(self._members.end())
                self.commit()
        finally:
            os.close(self._file)
            self._lock.release()

    def _add(self, piece: bytes) -> None:
        self._waiting.append(piece)
        if self._members.size - self._on_disk > CHUNK:
            self.commit()


def _made(sweep: Path, number: int) -> tuple[Path, int]:
    """A new file for the pack of a stack, and its number while it is open."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | NOT_FOLLOWED | getattr(os, "O_BINARY", 0)
    while True:
        path = sweep / pack_name(number)
        with writing(path):
            try:
                return path, os.open(path, flags, 0o666)
            except FileExistsError:
                number += 1
