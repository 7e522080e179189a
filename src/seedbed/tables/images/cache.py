"""Decoded images kept between runs: a file for each set of images and each form of them.

It is named by what the files hold, not by their names and times, so that it can never be of other
images than those that are there. A sum over all of it tells whether it is whole; what is damaged is
made anew, and the oldest go where all take too much room.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

from seedbed.process import signals
from seedbed.runs.user_cache import user_cache
from seedbed.tables.images.pixels import Levels, Pixels

MAGIC = b"seedbed images 2"

BEGIN = 2**13
"""Bytes before the levels: what is told of them, and zeros."""

IN_MEMORY = 2**30
"""Bytes of levels that are read into memory; of more the file is mapped."""

MOST_KEPT = 2**35
"""Bytes of all sets that are kept."""

SPARE = 2**28
"""Bytes left free on the disk."""

CHUNK = 2**24

STALE = 86400.0
"""Seconds after which nobody decodes into a file any more."""

ENDING, UNFINISHED = ".levels", ".part"


class ImageCache:
    """The user's decoded images; where there can be no folder of them, none are kept."""

    def __init__(self) -> None:
        self._unfinished: Path | None = None
        try:
            self.folder: Path | None = user_cache("images")
        except (OSError, RuntimeError):
            self.folder = None

    def find(self, key: str) -> Pixels | None:
        """Those that were kept, if they are whole."""
        if self.folder is None:
            return None
        path = self.folder / f"{key}{ENDING}"
        try:
            found = _read(path)
            os.utime(path)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found

    def file_for(self, shape: tuple[int, ...]) -> Levels | None:
        """Levels in a new file, for a set that is too large for memory; None if there is no room.

        Args:
            shape: of all images.
        """
        size = BEGIN + int(np.prod(shape))
        if self.folder is None or not self._makes_room(size):
            return None
        try:
            name = self._new_file(size)
            return np.memmap(name, dtype=np.uint8, mode="w+", offset=BEGIN, shape=shape)
        except OSError:
            self.forget()
            return None

    def keep(self, key: str, pixels: Pixels) -> None:
        """Keeps them; where that fails the run goes on without, and the next decodes again.

        Args:
            key: as `find` takes it.
            pixels: decoded; in memory, or in a file of `file_for`.
        """
        if self.folder is None:
            return
        mapped = pixels.levels if isinstance(pixels.levels, np.memmap) else None
        try:
            if mapped is not None:
                mapped.flush()
                name = Path(str(mapped.filename))
            elif self._makes_room(BEGIN + pixels.levels.nbytes):
                name = self._new_file()
            else:
                return
            _write(name, pixels, levels=mapped is None)
            name.replace(self.folder / f"{key}{ENDING}")
        except OSError:
            pass
        finally:
            self.forget()

    def forget(self) -> None:
        """Takes away the file that was begun last, if it was not kept."""
        with suppress(OSError):
            self._remove()
        signals.forget(self._remove)

    def _new_file(self, size: int = 0) -> Path:
        """A file that is not whole yet; a signal that ends the process takes it away.

        Raises:
            OSError: if there is no room for so many bytes.
        """
        with signals.held():
            number, name = tempfile.mkstemp(suffix=UNFINISHED, dir=self.folder)
            self._unfinished = Path(name)
            signals.at_end.append(self._remove)
        try:
            _reserve(number, size)
        finally:
            os.close(number)
        return self._unfinished

    def _remove(self) -> None:
        if self._unfinished is not None:
            self._unfinished.unlink(missing_ok=True)

    def _makes_room(self, size: int) -> bool:
        """Whether so many bytes may be kept; the sets that were not asked for the longest go."""
        assert self.folder is not None
        if size > MOST_KEPT:
            return False
        try:
            kept = [(one.stat(), one) for one in self.folder.iterdir() if one.is_file()]
            for told, one in kept:
                if one.suffix == UNFINISHED and time.time() - told.st_mtime > STALE:
                    one.unlink(missing_ok=True)  # of a process that was killed
            kept = [(told, one) for told, one in kept if one.exists()]
            total = sum(told.st_size for told, _ in kept)
            for told, one in sorted(kept, key=lambda pair: pair[0].st_mtime_ns):
                if total + size <= MOST_KEPT:
                    break
                one.unlink(missing_ok=True)
                total -= told.st_size
            return shutil.disk_usage(self.folder).free - SPARE > size
        except OSError:
            return False


def _reserve(file: int, size: int) -> None:
    """Takes the room on the disk now: a mapped page that has none ends the process.

    Raises:
        OSError: if there is none.
    """
    if size and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)


def _write(path: Path, pixels: Pixels, *, levels: bool) -> None:
    """Writes what is told of the levels, and these where they are not there yet."""
    total = 0
    with path.open("r+b") as file:
        file.seek(BEGIN)
        for chunk in _chunks(pixels.levels):
            total = google_crc32c.extend(total, chunk)
            if levels:
                file.write(chunk)
        told = json.dumps(
            {
                "shape": list(pixels.levels.shape),
                "sum": total,
                "digest": pixels.digest,
                "files": pixels.files,
                "notes": list(pixels.notes),
            }
        ).encode()
        begin = MAGIC + len(told).to_bytes(4, "big") + checksum(told) + told
        if len(begin) > BEGIN:
            raise OSError("too much is told of the images")
        file.seek(0)
        file.write(begin.ljust(BEGIN, b"\0"))


def _read(path: Path) -> Pixels:
    """What a file holds.

    Raises:
        OSError, ValueError, KeyError, TypeError: if it is not there, or not whole.
    """
    with path.open("rb") as file:
        begin = file.read(BEGIN)
        if not begin.startswith(MAGIC):
            raise ValueError("no images")
        start = len(MAGIC)
        length = int.from_bytes(begin[start : start + 4], "big")
        told = begin[start + 8 : start + 8 + length]
        if checksum(told) != begin[start + 4 : start + 8]:
            raise ValueError("what is told is damaged")
        plain: dict[str, Any] = json.loads(told)
        shape = tuple(plain["shape"])
        size = int(np.prod(shape))
        if path.stat().st_size != BEGIN + size:
            raise ValueError("cut short")
        levels: Levels
        if size <= IN_MEMORY:
            levels = np.empty(shape, dtype=np.uint8)
            if file.readinto(levels.data.cast("B")) != size:
                raise ValueError("cut short")
        else:  # copied where it is written into, which nobody does; torch wants it writable
            levels = np.memmap(path, dtype=np.uint8, mode="c", offset=BEGIN, shape=shape)
    total = 0
    for chunk in _chunks(levels):
        total = google_crc32c.extend(total, chunk)
    if total != plain["sum"]:
        raise ValueError("damaged")
    return Pixels(levels, plain["digest"], plain["files"], plain["notes"])


def checksum(content: bytes) -> bytes:
    """By which it is seen that a content is whole."""
    total: int = google_crc32c.value(content)
    return total.to_bytes(4, "big")


def _chunks(levels: Levels) -> Iterator[bytes]:
    flat = levels.reshape(-1)
    for start in range(0, len(flat), CHUNK):
        yield flat[start : start + CHUNK].tobytes()
