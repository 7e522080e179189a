"""Arrays in .npy files of one folder, mapped into memory: read as they are used, never as a whole.

Pickled ones are refused. A file is looked at again before it is used, as a mapped file that was cut
short meanwhile would end the process.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import DataError
from seedbed.raised import first_line
from seedbed.runs.files import printable
from seedbed.tables.file_checks import (
    Stamp,
    must_be_file,
    refuse_changed,
    refuse_larger_than_memory,
    stamp,
)
from seedbed.tables.table_file import TableFile, unequal_lengths

ENDING = ".npy"

LARGE_BYTES = 2**26
"""Of the arrays of a folder, from which on they are read some rows at a time."""

NUMBER_BYTES = 8
"""Of a float64, which every number becomes."""

BLOCK_BYTES = 2**23
"""Of float64, which the numbers become, that are read at a time."""


@dataclass(frozen=True)
class MappedArray:
    """An array in a file.

    Args:
        path: of the file.
        key: the config key or argument that names it.
        values: mapped; (rows, …) of the file's type.
        stamp: what the file was when it was mapped.
    """

    path: Path
    key: str
    values: NDArray[Any]
    stamp: Stamp

    def __reduce__(self) -> Any:
        """Sends no rows to a worker process, which maps the file itself."""
        return _again, (self.path, self.key, self.stamp)

    def rows(self, which: Any) -> NDArray[Any]:
        """Some rows; a slice is not in memory yet.

        Args:
            which: a slice, or numbers of rows.

        Raises:
            DataError: if the file changed.
        """
        refuse_changed(self.path, self.stamp, self.key)
        values: NDArray[Any] = self.values[which]
        return values


class NpyFolder(TableFile):
    """The .npy files of a folder, or one by itself; columns have the names of the files.

    Args:
        path: of the folder, or of the file.
        key: the config key or argument that names it.
        name: of the column, where it is one file; None for the file's own.

    Raises:
        DataError: if there is no such file.
    """

    def __init__(self, path: Path, key: str, name: str | None = None) -> None:
        self.path, self.key = path, key
        folder = path.is_dir()
        self.origin = f"{path.name or path}/*{ENDING}" if folder else path.name
        files = sorted(path.glob(f"*{ENDING}")) if folder else [path]
        self.files = {name or file.stem: file for file in files}
        self.names = [*self.files]
        if not self.names:
            raise DataError(
                f"{key}: the folder '{path}' has no {ENDING} file; x.npy and y.npy, say"
            )
        self._mapped: dict[str, MappedArray] = {}

    def mapped(self, names: Sequence[str]) -> Mapping[str, MappedArray]:
        """The named arrays.

        Raises:
            DataError: if one is damaged, cut short, pickled or no rows, or they differ in rows.
        """
        for name in names:
            if name not in self._mapped:
                self._mapped[name] = mapped_array(self.files[name], self.key)
        found = {name: self._mapped[name] for name in names}
        if listed := unequal_lengths({name: one.values for name, one in found.items()}):
            raise DataError(
                f"{self.key}: the arrays in '{self.path}' differ in their number of rows: {listed}"
            )
        return found

    def cells(self, names: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """The named arrays, in memory."""
        found = self.mapped(names)
        size = sum(one.values.size * NUMBER_BYTES for one in found.values())
        refuse_larger_than_memory(size, self.path, self.key)
        return {name: np.array(one.rows(slice(None))) for name, one in found.items()}

    @property
    def is_large(self) -> bool:
        """See `TableFile`."""
        return sum(file.stat().st_size for file in self.files.values()) >= LARGE_BYTES

    def batches(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """See `TableFile`."""
        arrays = self.mapped(names)
        for rows in pieces([one.values for one in arrays.values()]):
            yield {name: one.rows(rows) for name, one in arrays.items()}


def pieces(arrays: Sequence[NDArray[Any]]) -> Iterator[slice]:
    """Rows that are read at a time, of arrays of as many rows."""
    rows = len(arrays[0])
    row_bytes = NUMBER_BYTES * sum(int(np.prod(one.shape[1:])) for one in arrays)
    at_once = max(1, BLOCK_BYTES // max(1, row_bytes))
    for start in range(0, rows, at_once):
        yield slice(start, min(rows, start + at_once))


def mapped_array(path: Path, key: str) -> MappedArray:
    """An array in a file, of which nothing but its beginning is read.

    Raises:
        DataError: if it is damaged, cut short or pickled, or a single number.
    """
    before = stamp(path)
    try:
        values = np.lib.format.open_memmap(path, mode="r")
    except Exception as err:  # numpy raises many kinds on damaged files
        raise DataError(f"{key}: '{path}' {_reason(path, err)}") from err
    if values.ndim == 0:
        raise DataError(f"{key}: '{path}' holds a single number, not rows")
    return MappedArray(path, key, np.asarray(values), before)


def _again(path: Path, key: str, before: Stamp) -> MappedArray:
    """An array that another process had mapped."""
    found = mapped_array(path, key)
    refuse_changed(path, before, key)
    return MappedArray(path, key, found.values, before)


def _reason(path: Path, err: Exception) -> str:
    text = first_line(err)
    if "Python objects" in text:
        return "holds pickled objects, which could run code and are not opened"
    if "greater than file size" in text:
        return "is cut short: it holds fewer bytes than it says"
    if isinstance(err, OSError):
        return f"cannot be read: {err.strerror or text}"
    return f"is no .npy file, or a damaged one: {printable(text)}"


def npy_folder(path: Path, key: str) -> NpyFolder:
    """The arrays of a folder, or a file.

    Raises:
        DataError: if there is no such file.
    """
    if not path.is_dir():
        must_be_file(path, key, in_memory=False)
    return NpyFolder(path, key)
