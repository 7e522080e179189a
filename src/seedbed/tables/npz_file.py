"""The arrays of a .npz file; pickled ones are refused."""

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import DataError
from seedbed.raised import first_line
from seedbed.runs.files import printable
from seedbed.tables.file_checks import refuse_larger_than_memory
from seedbed.tables.table_file import TableFile, unequal_lengths

NUMBER_BYTES = 8
"""Of a float64, which every number becomes."""


class NpzFile(TableFile):
    """A .npz file, opened, whose columns are arrays.

    Args:
        path: of the file.
        key: the config key or argument that names it.

    Raises:
        DataError: if it is damaged or no such file, or would not fit into memory.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key, self.origin = path, key, path.name
        if not zipfile.is_zipfile(path):
            raise DataError(f"{key}: '{path}' is not a .npz file, or is cut short: no zip archive")
        refuse_larger_than_memory(self._unpacked(), path, key)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self.names = list(arrays.files)
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
        if listed := unequal_lengths(arrays):
            raise DataError(
                f"{self.key}: the arrays of '{self.path}' differ in their number of rows: {listed}"
            )
        return arrays

    def _damaged(self, err: Exception) -> DataError:
        reason = printable(first_line(err))
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
