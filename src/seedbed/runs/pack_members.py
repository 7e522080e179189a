"""Makes the members of a pack, one behind the other, and keeps where each of them is."""

import json

from seedbed.runs.pack_contents import ABOUT, END_FILE, FORMAT, FORMAT_FILE, INDEX_FILE, Contents
from seedbed.runs.tar_members import END, Headers, Member, padding


class PackMembers:
    """The members that were made so far; each is to be written behind the one before.

    Attributes:
        contents: where they are.
        size: bytes of all.
    """

    def __init__(self) -> None:
        self.contents = Contents()
        self.size = 0
        self._headers = Headers()

    def first(self) -> bytes:
        """What a pack begins with."""
        return self.file(ABOUT, FORMAT_FILE, json.dumps({"format": FORMAT}).encode())

    def file(self, folder: str, name: str, content: bytes) -> bytes:
        """A file of a run, or one that runs share.

        Raises:
            RunDirectoryError: if its name or it is longer than a pack can hold.
        """
        header = self._headers.of(folder, name, len(content))
        self.contents.add(Member(folder, name, len(content)), self.size + len(header))
        return self._made(header + content + padding(len(content)))

    def same(self, run: str, name: str, shared: str) -> bytes:
        """A file of a run whose content is shared.

        Args:
            run: its folder.
            name: of the file.
            shared: the name of the content in the folder of what is shared.
        """
        target = f"{ABOUT}/{shared}"
        header = self._headers.of(run, name, 0, target)
        self.contents.add(Member(run, name, 0, target), 0)
        return self._made(header)

    def end(self) -> bytes:
        """What a pack ends with: its index, where that is, and the sign of the end."""
        begin = self.size
        index = self.file(ABOUT, INDEX_FILE, self.contents.index())
        where = self.file(ABOUT, END_FILE, json.dumps({"index": begin}).encode())
        return index + where + self._made(END)

    def _made(self, piece: bytes) -> bytes:
        self.size += len(piece)
        return piece
