"""Images after those of training: to predict, or to measure a run on."""

from collections.abc import Mapping
from pathlib import Path

from seedbed.tables.images.decoding import ImageForm
from seedbed.tables.images.found import is_image
from seedbed.tables.images.image_file import (
    ImageTable,
    folder_of_images,
    one_image,
    table_of_images,
)
from seedbed.tables.table_file import TableFile


def later_images(
    path: Path, key: str, form: ImageForm, column: str, target: str | None
) -> ImageTable:
    """A folder of images, one image, or a table with a column of file names.

    Args:
        path: of it.
        key: the argument that names it.
        form: of the run's images.
        column: of file names, as the run has it.
        target: what the names of a folder's own folders are; None where nobody asks for classes.

    Raises:
        DataError: if it is none of these, or holds no image.
    """
    if path.is_dir():
        return folder_of_images(path, key, form, (column, target), kept=False)
    if is_image(path):
        return one_image(path, key, form, column)
    from seedbed.tables.opened_file import opened

    return table_of_images(opened(path, key, None), path, column, form, kept=False)


def with_images(rows: TableFile, form: ImageForm, column: str) -> TableFile:
    """A table in memory, of which a column of texts names files from the working directory on.

    Args:
        rows: the table.
        form: of the run's images.
        column: of file names, as the run has it.
    """
    if column not in rows.names or not _is_text(rows.cells([column]), column):
        return rows
    return ImageTable(rows, column, Path(), form, kept=False)


def _is_text(cells: Mapping[str, object], column: str) -> bool:
    return hasattr(cells[column], "type")  # Arrow's; levels are an array of NumPy
