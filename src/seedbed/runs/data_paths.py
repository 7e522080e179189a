"""The files that keys of `data` name: one, a list, a glob, or a folder with what is below it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from seedbed.errors import DataError

FILE_KEYS = ("path", "validation_path", "test_path")
"""The keys of `data` that name files."""

ENDINGS = (".parquet", ".pq")
"""Of the files that a folder is searched for."""

IMAGE_ENDINGS = (
    *(".bmp", ".gif", ".jpeg", ".jpg", ".jfif", ".pbm", ".pgm", ".png", ".ppm"),
    *(".tif", ".tiff", ".webp"),
)
"""Likewise, where the data are images."""

MOST_SEEN = 200_000
"""Files and folders below one, which are looked through; of images more are common."""

MOST_SEEN_OF_IMAGES = 2_000_000

ARRAYS = ".npy"
"""Likewise, if there are none: arrays, which lie in the folder itself."""

HIDDEN = (".", "_")
"""How names begin of what is passed over: what was not finished, and notes of other programs."""

WILDCARD = re.compile(r"[*?\[]")


class Found(NamedTuple):
    """A file, and the folder below which its own folders may say `key=value`.

    Args:
        path: of the file.
        below: the folder; None of a file that is named itself.
    """

    path: Path
    below: Path | None


def named(spec: Any) -> list[str]:
    """The texts of `data.path`, which is one or a list."""
    if isinstance(spec, list):
        return [one for one in spec if isinstance(one, str)]
    return [spec] if isinstance(spec, str) else []


def is_several(spec: Any) -> bool:
    """Whether it may name more than one file."""
    return isinstance(spec, list) or (
        isinstance(spec, str) and (is_pattern(spec) or Path(spec).is_dir())
    )


def is_pattern(text: str) -> bool:
    """Whether it is a glob, and no file that has such a name."""
    return WILDCARD.search(text) is not None and not Path(text).exists()


def files_named(spec: Any, endings: tuple[str, ...] = ENDINGS) -> list[Found]:
    """All files, those of a folder or a glob sorted by their paths; a file may not be there.

    Args:
        spec: of the config.
        endings: of the files that a folder is searched for.
    """
    return [found for text in named(spec) for found in _files_of(text, endings)]


def _files_of(text: str, endings: tuple[str, ...]) -> Iterator[Found]:
    path = Path(text)
    if is_pattern(text):
        below = _fixed(path)
        pattern = path.relative_to(below)
        matches = sorted(below.glob(str(pattern)))
        if not _is_hidden(pattern):
            matches = [match for match in matches if not _is_hidden(match.relative_to(below))]
        found: dict[Path, None] = {}  # a pattern may match a folder and files in it
        for match in matches:
            inside = _below(match, endings) if match.is_dir() else [match]
            found |= dict.fromkeys(inside)
        yield from (Found(file, below) for file in found)
    elif path.is_dir():
        yield from (Found(file, path) for file in _below(path, endings))
    else:
        yield Found(path, None)


def _is_hidden(path: Path) -> bool:
    """Whether a name in it begins with `.` or `_`; a pattern may ask for such names."""
    return any(part.startswith(HIDDEN) for part in path.parts)


def _fixed(pattern: Path) -> Path:
    """The folder before the first wildcard."""
    parts = []
    for part in pattern.parts[:-1]:
        if WILDCARD.search(part):
            break
        parts.append(part)
    return Path(*parts) if parts else Path()


def _below(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    """Those of a folder but for hidden ones."""
    most, what = MOST_SEEN_OF_IMAGES, "the images"
    if endings == ENDINGS:
        most, what = MOST_SEEN, "the Parquet files"
    files: list[Path] = []
    seen = 0
    for inner, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        shown = [name for name in names if not name.startswith(HIDDEN)]
        files += [Path(inner, name) for name in shown if name.lower().endswith(endings)]
        seen += len(names) + len(folders)
        if seen > most:
            raise DataError(
                f"data: '{folder}' holds more than {most} files and folders; name the folder of "
                f"{what}, or a glob"
            )
    arrays = [] if files else [one for one in folder.iterdir() if one.suffix.lower() == ARRAYS]
    return sorted(files or arrays)
