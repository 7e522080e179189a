"""What is measured of arrays in files, in one pass over their rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seedbed.data.fitted_column import FittedColumn
from seedbed.data.measurable import beyond_float32, refuse_immeasurable
from seedbed.data.npy.rows import kind_of, typed
from seedbed.data.streaming.moments import AT_ONCE, Moments
from seedbed.errors import DataError
from seedbed.tables.npy_folder import MappedArray, pieces
from seedbed.tables.table import Column
from seedbed.tables.table_file import CellSource

HELD_BYTES = 2**26
"""Of numbers that are measured together, to the bits of memory; more are measured by parts."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Seen:
    """What an array holds.

    Args:
        fitted: what was measured on the training rows; None where nobody asked.
        gaps: (rows,) whether a number is missing.
    """

    fitted: FittedColumn | None
    gaps: Mask

    @property
    def stand_in(self) -> Column:
        """A column of one number a row, which is missing where one of the array's is."""
        return Column("number", np.where(self.gaps, np.nan, 0.0))


def look_at(
    file: CellSource,
    name: str,
    array: MappedArray,
    train: Mask | None = None,
    *,
    standardize: bool = False,
) -> Seen:
    """Reads all rows of an array once.

    Args:
        file: it is of, for errors.
        name: of the feature.
        array: of two dimensions or more.
        train: which rows are trained on; None where nothing is to be measured.
        standardize: whether numbers are to be divided by their deviation.

    Raises:
        DataError: if it holds no numbers, an infinite one, or none in any training row.
    """
    shape = array.values.shape
    row_bytes = 8 * int(np.prod(shape[1:]))
    at_once = min(AT_ONCE, max(1, HELD_BYTES // max(1, row_bytes)))
    moments = Moments((0, *range(2, len(shape))), keepdims=True, at_once=at_once)
    gaps = np.zeros(shape[0], dtype=bool)
    kind = kind_of(file, name, array)
    for rows in pieces([array.values]):
        values = typed(file, name, array.rows(rows)).values
        if (wrong := beyond_float32(values)).any():
            held = "an infinite number, or one beyond float32,"
            row = rows.start + int(np.argmax(wrong)) + 1
            raise DataError(f"column '{name}' of {file.origin} holds {held} in row {row}")
        gaps[rows] = np.isnan(values).reshape(len(values), -1).any(axis=1)
        if train is not None:
            moments.add(values if train[rows].all() else values[train[rows]])
    if train is None:
        return Seen(None, gaps)
    moments.finish()
    if not np.any(moments.count):
        raise DataError(
            f"column '{name}' of {file.origin} has no value in any training row; leave it out with "
            "data.features=[…]"
        )
    scale = None
    if standardize and kind == "number":
        deviation = moments.deviation[0]
        refuse_immeasurable([name], moments.mean[0], deviation, file.origin)
        scale = deviation.tolist()
    any_gap = bool(gaps[train].any())
    mean = moments.mean[0].tolist()
    return Seen(FittedColumn(name, kind, list(shape[1:]), mean, scale, gaps=any_gap), gaps)
