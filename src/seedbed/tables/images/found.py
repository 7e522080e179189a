"""Which files of a folder are images, and the class that a file's folder names."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seedbed.config.hints import joined
from seedbed.errors import DataError
from seedbed.runs.data_paths import IMAGE_ENDINGS as ENDINGS
from seedbed.runs.data_paths import MOST_SEEN_OF_IMAGES as MOST_SEEN

PARTS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}
"""How folders of parts of the data are named."""


@dataclass(frozen=True)
class FoundImages:
    """The images below a folder.

    Args:
        names: their paths from the folder on, with `/`, sorted as text.
        passed_over: files that are no images by their endings, but for hidden ones.
    """

    names: list[str]
    passed_over: int


def is_image(path: Path) -> bool:
    """Whether a file is an image by its ending."""
    return path.name.lower().endswith(ENDINGS)


def images_below(folder: Path, key: str) -> FoundImages:
    """All images below a folder; what is hidden, and what is in hidden folders, is passed over.

    Args:
        folder: whose own name may be anything.
        key: the config key or argument that names it.

    Raises:
        DataError: if it cannot be read, or holds too much.
    """
    names: list[str] = []
    passed_over = seen = 0
    try:
        for inner, files in _walked(folder):
            images = [name for name in files if name.lower().endswith(ENDINGS)]
            below = Path(inner).relative_to(folder)
            names += [(below / name).as_posix() for name in images]
            _refuse_no_text(below, images, key)
            passed_over += len(files) - len(images)
            seen += len(files) + 1
            if seen > MOST_SEEN:
                raise DataError(f"{key}: '{folder}' holds more than {MOST_SEEN} files and folders")
    except OSError as err:
        raise DataError(f"{key}: cannot read '{err.filename}': {err.strerror}") from err
    return FoundImages(sorted(names), passed_over)


def _refuse_no_text(folder: Path, names: list[str], key: str) -> None:
    """Refuses a name whose bytes are no text: no table could hold it."""
    for name in names:
        try:
            (folder / name).as_posix().encode()
        except UnicodeError:
            shown = (folder / name).as_posix().encode(errors="backslashreplace").decode()
            raise DataError(f"{key}: the name of '{shown}' is no UTF-8; rename it") from None


def _walked(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Folders, through links too but none twice, and the files in each that are not hidden."""
    seen: set[str] = set()

    def fail(err: OSError) -> None:
        raise err

    for inner, folders, names in os.walk(folder, followlinks=True, onerror=fail):
        real = os.path.realpath(inner)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield inner, [name for name in names if not name.startswith(".")]


def class_of(name: str) -> str:
    """The class of an image by its path from the folder of all classes on."""
    return name.partition("/")[0]


def refuse_no_classes(folder: Path, found: FoundImages, key: str) -> None:
    """Refuses a folder in which not every image lies in a folder of its class.

    Args:
        folder: of all classes.
        found: below it.
        key: the config key or argument that names it.

    Raises:
        DataError: naming an image, or the folder without one.
    """
    refuse_no_images(folder, found, key)
    beside = [name for name in found.names if "/" not in name]
    if beside:
        raise DataError(
            f"{key}: '{beside[0]}' lies beside the folders of '{folder}', and the class of an "
            "image is the name of its folder; put each image into one"
        )
    classes = {class_of(name) for name in found.names}
    _refuse_parts(folder, classes, key)
    there = sorted(one.name for one in folder.iterdir() if one.is_dir())
    empty = [name for name in there if not name.startswith(".") and name not in classes]
    if empty:
        raise DataError(
            f"{key}: the folder '{empty[0]}' of '{folder}' holds no image, so its class has none; "
            "put some there, or take the folder out"
        )


def _refuse_parts(folder: Path, classes: set[str], key: str) -> None:
    """Refuses the folder above those of the parts of the data: the parts would be the classes."""
    if {name.lower() for name in classes} <= PARTS:
        first = min(classes, key=lambda name: (not name.lower().startswith("train"), name))
        beside = (
            "" if key != "data.path" else ", and data.validation_path and data.test_path likewise"
        )
        raise DataError(
            f"{key}: the folders of '{folder}' are {joined(sorted(classes))}, which are parts of "
            f"the data and no classes; type {key}={folder / first}{beside}"
        )


def refuse_no_images(folder: Path, found: FoundImages, key: str) -> None:
    """Raises DataError for a folder without images; arguments as `refuse_no_classes`."""
    if not found.names:
        others = f", but {found.passed_over} other files" if found.passed_over else ""
        raise DataError(
            f"{key}: '{folder}' holds no image{others}; images end in {joined(ENDINGS)}"
        )
