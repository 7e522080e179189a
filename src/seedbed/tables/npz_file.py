"""The arrays of a .npz file; pickled ones are refused."""

import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import DataError
from seedbed.runs.files import printable
from seedbed.tables.file_checks import refuse_larger_than_memory
from seedbed.tables.table import Column

NUMBER_BYTES = 8
"""Of a float64, which every number becomes."""


class _Named(Protocol):
    key: str
    origin: str


class NpzFile:
    """A .npz file, opened: a `TableFile` whose columns are arrays.

    Args:
        path: of the file.
        key: the config key or argument that names it.

    Raises:
        DataError: if it is damaged or no such file, or would not fit into memory.
    """

    typed = True
    index: Sequence[str] = ()

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key, self.origin = path, key, path.name
        if not zipfile.is_zipfile(path):
            raise DataError(f"{key}: '{path}' is not a .npz file, or is cut short: no zip archive")
        refuse_larger_than_memory(self._unpacked(), path, key)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self.names: Sequence[str] = list(arrays.files)
        except Exception as err:  # numpy raises many kinds on damaged archives
            raise self._damaged(err) from err
        if not self.names:
            raise DataError(f"{key}: '{path}' holds no arrays")

    def cells(self, names: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """The named arrays.

        Raises:
            DataError: if one is damaged, pickled or no rows, or they differ in their rows.
        """
        try:
            with np.load(self.path, allow_pickle=False) as loaded:
                arrays = {name: loaded[name] for name in names}
        except Exception as err:  # numpy raises many kinds on damaged archives
            raise self._damaged(err) from err
        for name, array in arrays.items():
            if array.ndim == 0:
                raise DataError(
                    f"{self.key}: array '{name}' of '{self.path}' is a single number, not rows"
                )
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise DataError(
                f"{self.key}: the arrays of '{self.path}' differ in their number of rows: {listed}"
            )
        return arrays

    def place(self, row: int) -> str:
        """The row, from 1."""
        return f"row {row + 1}"

    def _damaged(self, err: Exception) -> DataError:
        reason = printable(str(err).partition("\n")[0]) or type(err).__name__
        if "allow_pickle" in reason:
            reason = "what it holds is pickled, could run code and is not opened"
        return DataError(f"{self.key}: '{self.path}' is not a .npz file of plain arrays: {reason}")

    def _unpacked(self) -> int:
        """Bytes of the arrays in the archive, as the numbers that they become."""
        total = 0
        try:
            with zipfile.ZipFile(self.path) as archive:
                for member in archive.infolist():
                    with archive.open(member) as file:
                        total += max(member.file_size, _claimed(file))
        except Exception as err:  # zipfile and numpy raise many kinds on damaged archives
            raise self._damaged(err) from err
        return total


def _claimed(file: IO[bytes]) -> int:
    """What the header of an array says of its size."""
    version = np.lib.format.read_magic(file)
    header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if header is None:
        return 0
    shape, _, _ = header(file)
    return math.prod(shape) * NUMBER_BYTES


@dataclass(frozen=True)
class WrittenIntegers:
    """Integers of an array that name classes, with all their digits.

    Args:
        array: (rows,).
    """

    array: NDArray[Any]

    def names(self) -> list[str | None]:
        """Each as text."""
        return [str(value) for value in self.array.tolist()]

    def taken(self, rows: NDArray[np.int64]) -> "WrittenIntegers":
        """Only these rows."""
        return WrittenIntegers(self.array[rows])


def target_array(array: Any) -> Any:
    """A target of one value a row, whether it lies in a column of its own or not.

    Shape:
        (rows, 1) -> (rows,); all others stay as they are
    """
    flat = isinstance(array, np.ndarray) and array.ndim == 2 and array.shape[1] == 1
    return array[:, 0] if flat else array


def array_column(array: NDArray[Any], name: str, file: _Named) -> Column:
    """A column by the type of its array.

    Raises:
        DataError: if it holds neither numbers, truth values nor text, or nothing in its rows.
    """
    if len(array) and not array.size:
        raise DataError(
            f"{file.key}: array '{name}' of '{file.origin}' holds no number: its shape is "
            f"{array.shape}"
        )
    if array.dtype.kind in "US":
        array = target_array(array)  # a name a row, whether in a column of its own or not
        if array.ndim > 1:
            raise DataError(
                f"{file.key}: array '{name}' of '{file.origin}' holds text of shape "
                f"{array.shape[1:]} a row; a column of names has one name a row"
            )
        try:
            texts = array.astype(str).astype(object)
        except UnicodeError as err:
            raise DataError(
                f"{file.key}: array '{name}' of '{file.origin}' holds bytes that are no text"
            ) from err
        texts[:] = [text if text.strip() else None for text in texts]
        return Column("category", texts)
    if array.dtype.kind == "b":
        return Column("boolean", array.astype(np.float64))
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"{file.key}: array '{name}' of '{file.origin}' has type {array.dtype}, not numbers"
        )
    whole = array.dtype.kind in "iu"
    written = WrittenIntegers(array) if whole and array.ndim == 1 else None
    return Column("number", array.astype(np.float64), whole, written)
