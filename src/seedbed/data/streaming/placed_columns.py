"""The columns of a table as `placing.c` takes them: numbers as inputs, and where names lie."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from seedbed.data.preprocessing import Preprocessing
from seedbed.tables.row_names import RowNames
from seedbed.tables.table import Table


class _Described(ctypes.Structure):
    """`struct column` of `placing.c`."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("numbers", "names", "inputs")),
        *((name, ctypes.c_long) for name in ("first", "width")),
    ]


class Columns(NamedTuple):
    """All columns of a table.

    Args:
        described: an array in C.
        held: what it points to.
    """

    described: Any
    held: list[NDArray[Any]]


def functions(path: Path) -> Any:
    """The library of `placing.c`, which takes numbers and addresses of Python.

    Raises:
        OSError, AttributeError: if it is none.
    """
    library = ctypes.CDLL(str(path))
    at, whole, real = ctypes.c_void_p, ctypes.c_long, ctypes.c_double
    library.standardize.argtypes = [at, whole, real, real, real, at]
    library.place.argtypes = [at, whole, whole, at, at, at, at]
    library.place.restype = None
    return library


class Inputs:
    """Memory for the numbers of some rows as inputs; used again, as new memory has to be cleared.

    Args:
        columns: of numbers.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._free: list[NDArray[np.float32]] = []

    @contextmanager
    def of(self, rows: int) -> Iterator[NDArray[np.float32]]:
        """For so many rows, which nobody else has meanwhile.

        Shape:
            (columns, rows)
        """
        held = self._free.pop() if self._free else None
        if held is None or held.shape[1] < rows:
            held = torch.empty((self._columns, rows), device="cpu").numpy()
        try:
            yield held[:, :rows]
        finally:
            self._free.append(held)


def columns_of(
    preprocessing: Preprocessing, table: Table, standardize: Any, into: NDArray[np.float32]
) -> Columns | None:
    """The columns of a table; None if they are not for the function.

    These are arrays and images, numbers that should be and that are not finite as inputs, and names
    that training did not have where these are refused. NumPy takes them, or says what is wrong.

    Args:
        preprocessing: of the run.
        table: whose columns are asked for one after the other.
        standardize: of `placing.c`.
        into: takes the numbers, see `Inputs`.

    Raises:
        DataError: if a column is missing, or a cell is not of its kind.
    """
    held: list[NDArray[Any]] = []
    found: list[_Described] = []
    first, free = 0, iter(into)
    for feature in preprocessing.features:
        column = table.column(feature.name, "data.features")
        if feature.categories is not None:
            names = column.names()
            inputs = feature.known.of_each(names.different)
            if preprocessing.unknown == "error" and _may_be_unknown(inputs, names):
                return None
            held += [inputs, np.ascontiguousarray(names.indices, dtype=np.int32)]
            at = {"inputs": inputs.ctypes.data, "names": held[-1].ctypes.data}
        elif feature.takes_number(column):
            values, numbers = np.ascontiguousarray(column.values, dtype=np.float64), next(free)
            subtracted, scale = (
                (0.0, 1.0) if feature.scale is None else (feature.mean, feature.scale)
            )
            moved = (feature.mean, subtracted, scale)
            if not standardize(values.ctypes.data, len(values), *moved, numbers.ctypes.data):
                return None
            at = {"numbers": numbers.ctypes.data}
        else:
            return None
        found.append(_Described(first=first, width=feature.width, **at))
        first += feature.width
    return Columns((_Described * len(found))(*found), held)


def _may_be_unknown(inputs: NDArray[np.int64], names: RowNames) -> bool:
    """Whether a row may have a name without an input; a name may also be that of no row."""
    return bool((inputs[1:] < 0).any() or (inputs[0] < 0 and names.missing.any()))
