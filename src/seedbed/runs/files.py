"""Writes files whole or not at all, opens plain files only, and says clearly when it cannot.

A sweep writes thousands of small files: where each passes, plain system calls take the place of
pathlib, which is a quarter slower.
"""

# ruff: noqa: PTH104, PTH105, PTH108, PTH118

import errno
import json
import os
import re
import stat
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

import yaml

from seedbed.errors import RunDirectoryError
from seedbed.process import signals
from seedbed.runs.yaml_text import yaml_text

YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal would obey or could not show; tabs and line ends may stay."""

NOT_FOLLOWED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Open no link, and do not wait for the other end of a pipe; Windows has neither."""

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""Make a file, and fail where there is anything of that name, a link as well."""

SYNC_FROM = 16
"""Files; from so many on, one wait for the whole disk is shorter than one for each of them."""


class writing:  # noqa: N801 - used as a function
    """Turns what the system says about a full disk or a read-only folder into an error of ours.

    A signal waits for the end of the block, so that what is written in place is whole.

    Args:
        path: that is written.
        beside: the file that is to take its name; removed on any error.

    Raises:
        RunDirectoryError: naming the file and the reason.
    """

    __slots__ = ("beside", "held", "path")

    def __init__(self, path: Path, beside: str | None = None) -> None:
        self.path, self.beside, self.held = path, beside, signals.held()

    def __enter__(self) -> None:
        self.held.__enter__()

    def __exit__(self, _: object, err: BaseException | None, __: object) -> None:
        if err is not None and self.beside is not None:
            with suppress(OSError):
                os.unlink(self.beside)
        self.held.__exit__()
        if isinstance(err, OSError):
            raise _cannot_write(self.path, err) from err


def _cannot_write(path: Path, err: OSError) -> RunDirectoryError:
    return RunDirectoryError(f"cannot write '{path}': {err.strerror or err}")


def printable(text: str) -> str:
    """The text with control characters written out, as Python writes them."""
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def open_plain(path: Path) -> BufferedReader:
    """Opens a file to read that a stranger may have made.

    Raises:
        FileNotFoundError: if there is none.
        RunDirectoryError: if it is a link, a pipe, a device or a folder, or may not be read.
    """
    if path.is_symlink():
        raise RunDirectoryError(f"'{path}' is a link, not a file; put the file itself there")
    try:
        number = os.open(path, os.O_RDONLY | NOT_FOLLOWED | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise
    except OSError as err:
        raise RunDirectoryError(f"cannot read '{path}': {err.strerror}") from err
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise RunDirectoryError(f"'{path}' is no plain file")
    return os.fdopen(number, "rb")


def write_bytes(path: Path, content: bytes, *, flush: bool = False) -> None:
    """Writes beside the file and renames, so that a reader sees the old or the new, never a part.

    Args:
        path: of the file.
        content: all of it.
        flush: wait until it is on the disk.
    """
    beside = beside_name(path)
    with writing(path, beside):
        _write_new(beside, content, flush=flush)
        os.replace(beside, path)


def write_pieces(path: Path, pieces: Iterable[bytes], *, flush: bool = False) -> None:
    """As `write_bytes`, a piece at a time; signals wait for no piece.

    Args:
        path: of the file.
        pieces: of the content; where one cannot be made, the old file stays.
        flush: wait until it is on the disk.
    """
    beside = beside_name(path)
    with signals.done_at_end(lambda: _removed(beside)):
        try:
            with writing(path):
                number = _made(beside)
            try:
                for piece in pieces:
                    with writing(path):
                        _write_to(number, piece)
                if flush:
                    with writing(path):
                        os.fsync(number)
            finally:
                os.close(number)
            with writing(path):
                os.replace(beside, path)
        except BaseException:
            _removed(beside)
            raise


def _removed(name: str) -> None:
    with suppress(OSError):
        os.unlink(name)


def write_new(path: Path, content: bytes) -> None:
    """As `write_bytes`, where there is no file of that name; the folder must be locked.

    Raises:
        RunDirectoryError: if there is one, its cause being a `FileExistsError`.
    """
    beside = beside_name(path)
    with writing(path, beside):
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        _write_new(beside, content, flush=False)
        os.rename(beside, path)


def write_all(files: Sequence[tuple[Path, bytes]], *, flush: bool) -> None:
    """As `write_bytes` for each file, but waits for the disk once for all of them.

    Killed at the renames, it leaves some files new and the others old; each of them is whole.
    Linux's `sync` waits as `fsync` does, for all that any process wrote; a disk that breaks in that
    moment is not told of. Source: sync(2).

    Args:
        files: paths, no two of them the same, and their content.
        flush: wait until all of them are on the disk, before any takes its name.
    """
    with signals.held():
        _write_all(files, flush=flush)


def _write_all(files: Sequence[tuple[Path, bytes]], *, flush: bool) -> None:
    written: list[tuple[str, Path]] = []
    at_once = flush and len(files) >= SYNC_FROM and sys.platform == "linux"
    try:
        for path, content in files:
            with writing(path, beside := beside_name(path)):
                _write_new(beside, content, flush=flush and not at_once)
            written.append((beside, path))
        if at_once:
            os.sync()
        while written:
            beside, path = written[-1]
            with writing(path, beside):
                os.replace(beside, path)
            written.pop()
    except BaseException:
        for beside, _ in written:
            _removed(beside)
        raise


def beside_name(path: Path) -> str:
    """The name under which a file is written before it takes its own."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{os.getpid()}.tmp")


def _write_new(name: str, content: bytes, *, flush: bool) -> None:
    """Makes a file of a name that nothing has; what is left of that name is removed first.

    That may be a link, which would be written through.
    """
    number = _made(name)
    try:
        _write_to(number, content)
        if flush:
            os.fsync(number)
    finally:
        os.close(number)


def _made(name: str) -> int:
    """The number of a new file, open to be written."""
    try:
        return os.open(name, NEW_FILE, 0o666)
    except FileExistsError:
        os.unlink(name)
        return os.open(name, NEW_FILE, 0o666)


def _write_to(number: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:  # the system may write less than it is given
        rest = rest[os.write(number, rest) :]


def remove_unfinished(folder: Path) -> None:
    """Removes what `write_bytes` left in `folder` when its process was killed at it."""
    for path in folder.glob(".*.tmp"):
        with writing(path):
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """As `write_bytes`, in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """As `write_bytes`; NaN and infinity become null, as JSON has neither."""
    write_text(path, json_text(content) + "\n")


def json_text(content: Any) -> str:
    """Indented JSON; NaN and infinity are null, and keys texts."""
    import orjson  # here: commands that print no JSON need it not

    try:
        form = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
        return orjson.dumps(content, option=form).decode()
    except TypeError:  # an integer of more than 64 bits, NumPy's numbers, a name that is no UTF-8
        plain = json.loads(json.dumps(content), parse_constant=lambda name: None)
        return json.dumps(plain, indent=2, ensure_ascii=False)


def write_yaml(path: Path, content: Any) -> None:
    """As `write_bytes`, keys in their own order."""
    write_text(path, yaml_text(content))
