"""Writes files whole or not at all, opens plain files only, and says clearly when it cannot."""

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from seedbed.errors import RunDirectoryError

YamlDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal would obey or could not show; tabs and line ends may stay."""

NOT_FOLLOWED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Open no link, and do not wait for the other end of a pipe; Windows has neither."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the system says about a full disk or a read-only folder into an error of ours.

    Raises:
        RunDirectoryError: naming the file and the reason.
    """
    try:
        yield
    except OSError as err:
        reason = err.strerror or str(err)
        raise RunDirectoryError(f"cannot write '{path}': {reason}") from err


def printable(text: str) -> str:
    """The text with control characters written out, as Python writes them."""
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def open_plain(path: Path) -> BinaryIO:
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
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        try:
            beside.unlink(missing_ok=True)  # a link there would be written through
            with beside.open("xb") as file:
                file.write(content)
                if flush:
                    file.flush()
                    os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


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
    """Indented JSON."""
    return json.dumps(_without_nan(content), indent=2, ensure_ascii=False, allow_nan=False)


def write_yaml(path: Path, content: Any) -> None:
    """As `write_bytes`, keys in their own order."""
    write_text(path, yaml.dump(content, Dumper=YamlDumper, sort_keys=False, allow_unicode=True))


def _without_nan(content: Any) -> Any:
    if isinstance(content, float) and (
        content != content or content in (float("inf"), -float("inf"))
    ):
        return None
    if isinstance(content, dict):
        return {str(key): _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    return content
