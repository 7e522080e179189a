"""The columns of a table as `placing.c` takes them: where their values lie, and what is done."""

import ctypes
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seedbed.data.preprocessing import Preprocessing
from seedbed.tables.row_names import RowNames
from seedbed.tables.table import Table


class _Described(ctypes.Structure):
    """`struct column` of `placing.c`."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("values", "names", "inputs")),
        *((name, ctypes.c_long) for name in ("first", "width")),
        *((name, ctypes.c_double) for name in ("mean", "subtracted", "scale")),
    ]


class Columns(NamedTuple):
    """All columns of a table.

    Args:
        described: an array in C.
        many: its length.
        held: what it points to.
    """

    described: Any
    many: ctypes.c_long
    held: list[NDArray[Any]]


def columns_of(preprocessing: Preprocessing, table: Table) -> Columns | None:
    """The columns of a table; None if they are not for the function.

    These are arrays and images, numbers that should be, and names that training did not have where
    these are refused. NumPy takes them, or says what is wrong.

    Raises:
        DataError: if a column is missing.
    """
    held: list[NDArray[Any]] = []
    found: list[_Described] = []
    first = 0
    for feature in preprocessing.features:
        column = table.column(feature.name, "data.features")
        if feature.categories is not None:
            names = column.names()
            inputs = feature.known.of_each(names.different)
            if preprocessing.unknown == "error" and _may_be_unknown(inputs, names):
                return None
            held += [inputs, np.ascontiguousarray(names.indices, dtype=np.int32)]
            at: dict[str, Any] = {"inputs": inputs.ctypes.data, "names": held[-1].ctypes.data}
        elif feature.takes_number(column):
            held.append(np.ascontiguousarray(column.values, dtype=np.float64))
            subtracted, scale = (
                (0.0, 1.0) if feature.scale is None else (feature.mean, feature.scale)
            )
            at = {"mean": feature.mean, "subtracted": subtracted, "scale": scale}
            at["values"] = held[-1].ctypes.data
        else:
            return None
        found.append(_Described(first=first, width=feature.width, **at))
        first += feature.width
    return Columns((_Described * len(found))(*found), ctypes.c_long(len(found)), held)


def _may_be_unknown(inputs: NDArray[np.int64], names: RowNames) -> bool:
    """Whether a row may have a name without an input; a name may also be that of no row."""
    return bool((inputs[1:] < 0).any() or (inputs[0] < 0 and names.missing.any()))
