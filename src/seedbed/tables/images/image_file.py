"""Images as a file of rows: a table with a column of file names, or a folder, which is one too.

The column of file names is the images: whoever asks for it gets `Pixels`. All other columns are
those of the table. Of a folder there are the file's path and, where asked, the name of its class.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seedbed.errors import DataError
from seedbed.runs.opening import justified_by_what_came
from seedbed.tables.arrow_values import texts as arrow_texts
from seedbed.tables.file_checks import must_be_file
from seedbed.tables.images.decoding import ImageForm
from seedbed.tables.images.found import (
    class_of,
    images_below,
    refuse_no_classes,
    refuse_no_images,
)
from seedbed.tables.images.pixels import ImageCells
from seedbed.tables.images.reading import ImageFiles, decoded_images, read_images
from seedbed.tables.memory_table import MemoryTable
from seedbed.tables.table_file import TableFile

FILE = "file"
"""The column of a folder's images."""

LARGE = 2**26
"""Levels, from which on images to predict are not all held at once."""


class ImageTable(TableFile):
    """Rows of which each has an image.

    Args:
        rows: with a column of file names.
        column: its name.
        folder: that these names are relative to.
        form: what the images are made into.
        kept: whether they are looked for in the cache, and kept there.
        notes: what a person should know of how they were found.
    """

    typed = True

    def __init__(
        self,
        rows: TableFile,
        column: str,
        folder: Path,
        form: ImageForm,
        *,
        kept: bool,
        notes: Sequence[str] = (),
    ) -> None:
        self.rows, self.column, self.folder, self.form, self.kept = rows, column, folder, form, kept
        self.key, self.origin, self.names = rows.key, rows.origin, rows.names
        self.typed, self.notes = rows.typed, notes

    def location(self, row: int) -> str:
        """See `CellSource`."""
        return self.rows.location(row)

    @property
    def written(self) -> TableFile:
        """See `TableFile`: the names of files, in place of what is in them."""
        return self.rows

    def row_names(self) -> Mapping[str, Sequence[str]]:
        """See `TableFile`: of a folder and of one image the names of files."""
        return {self.column: self._names()} if isinstance(self.rows, MemoryTable) else {}

    def cells(self, names: Sequence[str]) -> Mapping[str, Any]:
        """See `TableFile`; the column of file names gives the images."""
        others = [name for name in names if name != self.column]
        found = dict(self.rows.cells(others)) if others else {}
        if self.column in names:
            found[self.column] = self._images(self._names())
        return found

    @property
    def is_large(self) -> bool:
        """See `TableFile`."""
        if self.kept:
            return False
        names = self._names()
        return bool(names) and len(names) * self._images(names[:1]).pixels.levels.nbytes > LARGE

    def batches(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """See `TableFile`; only of the images alone."""
        assert list(names) == [self.column]
        files = self._names()
        first = self._images(files[:1]).pixels.levels.nbytes
        some = max(1, LARGE // first)
        for start in range(0, len(files), some):
            yield {self.column: self._images(files[start : start + some], start)}

    def _names(self) -> list[str]:
        """The names of all files.

        Raises:
            DataError: naming the first row that has none.
        """
        from seedbed.tables.cells import as_text

        cells = self.rows.cells([self.column])[self.column]
        if isinstance(cells, np.ndarray):
            raise DataError(
                f"{self.key}: '{self.origin}' holds arrays; name the files of images in a .csv, "
                ".tsv or .parquet"
            )
        names: list[str | None] = as_text(cells).to_pylist()
        for row, name in enumerate(names):
            if name is None or not name.strip():
                raise DataError(
                    f"{self.key}: column '{self.column}' of {self.origin} names no file in "
                    f"{self.location(row)}"
                )
        return [str(name) for name in names]

    def _images(self, names: Sequence[str], first: int = 0) -> ImageCells:
        """The images of rows, each file decoded once; `first` is the number of the first row."""
        if not names:
            raise DataError(f"{self.key}: '{self.origin}' has no rows")
        rows = {name: row for row, name in reversed([*enumerate(names, first)])}
        distinct = list(dict.fromkeys(names))
        place = {name: at for at, name in enumerate(distinct)}
        paths = [self.folder / name for name in distinct]

        def shown(at: int) -> str:
            name = distinct[at]
            if isinstance(self.rows, MemoryTable):
                return f"{self.key}: '{self.folder / name}'"
            return f"{self.key}: '{name}' ({self.location(rows[name])} of {self.origin})"

        for at, path in enumerate(paths):
            if not path.is_file():
                raise DataError(f"{shown(at)} is no file; names are relative to '{self.folder}'")
        justified_by_what_came(paths)
        read = read_images if self.kept else decoded_images
        pixels = read(ImageFiles(paths, shown), self.form)
        return ImageCells(pixels, np.array([place[name] for name in names], dtype=np.int64))


def table_of_images(
    rows: TableFile, path: Path, column: str, form: ImageForm, *, kept: bool
) -> ImageTable:
    """A table with a column of file names, relative to its own folder.

    Args:
        rows: the table, opened.
        path: of its file.
        column: of file names.
        form: of the images.
        kept: as `ImageTable` takes it.

    Raises:
        DataError: if it has no such column.
    """
    rows.must_have(column, "data.file" if rows.key.startswith("data.") else rows.key)
    return ImageTable(rows, column, path.parent, form, kept=kept)


def folder_of_images(
    path: Path, key: str, form: ImageForm, columns: tuple[str, str | None], *, kept: bool
) -> ImageTable:
    """A folder of images, with one folder a class where the classes are asked for.

    Args:
        path: of the folder.
        key: the config key or argument that names it.
        form: of the images.
        columns: the names that the column of files gets, and that of classes; None for no classes.
        kept: as `ImageTable` takes it.

    Raises:
        DataError: if it holds no image, or there is one without a class, or a class without one.
    """
    found = images_below(path, key)
    file, target = columns
    if target is None:
        refuse_no_images(path, found, key)
    else:
        refuse_no_classes(path, found, key)
    import pyarrow as pa

    cells = {file: arrow_texts(found.names, pa.string())}
    if target is not None:
        cells[target] = arrow_texts([class_of(name) for name in found.names], pa.string())
    notes = []
    if found.passed_over:
        some = "1 file is" if found.passed_over == 1 else f"{found.passed_over} files are"
        notes = [f"{key}: {some} no image by the ending of the name, and passed over"]
    rows = MemoryTable(cells, key, str(path))
    return ImageTable(rows, file, path, form, kept=kept, notes=notes)


def one_image(path: Path, key: str, form: ImageForm, column: str) -> ImageTable:
    """A single image file.

    Args:
        path: of the file.
        key: the argument that names it.
        form: of the image.
        column: the name that the column of files gets.

    Raises:
        DataError: if it is missing.
    """
    import pyarrow as pa

    must_be_file(path, key)
    rows = MemoryTable({column: arrow_texts([path.name], pa.string())}, key, path.name)
    return ImageTable(rows, column, path.parent, form, kept=False)
