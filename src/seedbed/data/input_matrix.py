"""The columns of a table as the one float32 matrix that a model takes, by blocks of rows.

A block of float64 stays in the processor's cache; of the whole table there is never a copy.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.data.fitted_column import FittedColumn, Floats
from seedbed.errors import DataError
from seedbed.tables.table import Column

BLOCK_VALUES = 2**18
"""Of the matrix, that are made at once."""

MANY_ROWS = 2**10
"""Of a block, from which on each column is written by itself."""


@np.errstate(over="ignore")  # what is beyond float32 is refused by its row
def input_matrix(
    features: Sequence[FittedColumn], columns: Sequence[Column], *, strict: bool, origin: str
) -> NDArray[np.float32]:
    """The rows as the model takes them.

    Args:
        features: of the run, one or more.
        columns: as read, one for each.
        strict: refuse names not seen in training; otherwise they become zeros.
        origin: for errors.

    Shape:
        (rows, inputs) float32; (rows, *shape) of a single feature of arrays

    Raises:
        DataError: for a value of another kind, one that is not finite, or (strict) an unknown name.
    """
    parts = _parts(features, columns, strict=strict, origin=origin)
    rows, width = len(columns[0]), sum(one.width for one in features)
    matrix = np.zeros((rows, width), dtype=np.float32)
    at_once = max(1, BLOCK_VALUES // max(1, width))
    for start in range(0, rows, at_once):
        block = slice(start, min(start + at_once, rows))
        for part in parts:
            part.fill(matrix[block], block)
        if not np.isfinite(matrix[block]).all():
            raise _not_finite(matrix[block], start, origin)
    return matrix.reshape(rows, *features[0].shape) if _is_array(features) else matrix


def _is_array(features: Sequence[FittedColumn]) -> bool:
    return len(features) == 1 and bool(features[0].shape)


class _Numbers:
    """Plain numbers, standardized side by side.

    Args:
        features: with the column and the place of each.
    """

    def __init__(self, features: Sequence[tuple[FittedColumn, Column, int]]) -> None:
        self.columns = [column.values for _, column, _ in features]
        places = [place for _, _, place in features]
        self.each = places
        together = places == [*range(places[0], places[-1] + 1)]
        self.places = slice(places[0], places[-1] + 1) if together else places
        mean = [one.mean for one, _, _ in features]
        self.mean = np.array(mean, dtype=np.float64)
        left = np.array([one.scale is None for one, _, _ in features])
        scale = [1.0 if one.scale is None else one.scale for one, _, _ in features]
        self.scale = np.array(scale, dtype=np.float64)
        self.subtracted = np.where(left, 0.0, self.mean)

    def fill(self, matrix: NDArray[np.float32], rows: slice) -> None:
        """Writes these rows into theirs of the matrix.

        Of many rows a column at a time, which takes half as long: a column lies together.
        """
        if len(matrix) < MANY_ROWS:
            values: Floats = np.stack([column[rows] for column in self.columns], axis=1)
            values = np.where(np.isnan(values), self.mean, values)
            matrix[:, self.places] = (values - self.subtracted) / self.scale
            return
        for number, column in enumerate(self.columns):
            values = column[rows]
            missing = np.isnan(values)
            if missing.any():
                values = np.where(missing, self.mean[number], values)
            values = values - self.subtracted[number]
            values /= self.scale[number]
            matrix[:, self.each[number]] = values


class _Array:
    """A column of arrays, or of plain numbers.

    Args:
        feature: of it.
        column: as read.
        place: of its first input.
    """

    def __init__(self, feature: FittedColumn, column: Column, place: int) -> None:
        self.feature, self.values = feature, column.values
        self.places = slice(place, place + feature.width)

    def fill(self, matrix: NDArray[np.float32], rows: slice) -> None:
        """As `_Numbers.fill`."""
        values = self.feature.standardized(self.values[rows])
        matrix[:, self.places] = values.reshape(len(matrix), -1)


class _Names:
    """A column of names, of which each row has one input that is 1, or none.

    Args:
        indices: which, -1 for none.
        place: of the first.
    """

    def __init__(self, indices: NDArray[np.int64], place: int) -> None:
        self.indices, self.place = indices, place

    def fill(self, matrix: NDArray[np.float32], rows: slice) -> None:
        """As `_Numbers.fill`."""
        indices = self.indices[rows]
        known = np.flatnonzero(indices >= 0)
        matrix[known, self.place + indices[known]] = 1.0


def _parts(
    features: Sequence[FittedColumn], columns: Sequence[Column], *, strict: bool, origin: str
) -> list[_Numbers | _Array | _Names]:
    """What fills the matrix; arguments and errors as `input_matrix`."""
    numbers: list[tuple[FittedColumn, Column, int]] = []
    parts: list[_Numbers | _Array | _Names] = []
    place = 0
    for feature, column in zip(features, columns, strict=True):
        if feature.takes_number(column):
            numbers.append((feature, column, place))
        elif feature.categories is not None:
            indices = feature.places(column, strict=strict, origin=origin)
            parts.append(_Names(indices, place))
        else:
            feature.refuse_other_kind(column, origin)
            parts.append(_Array(feature, column, place))
        place += feature.width
    return [_Numbers(numbers), *parts] if numbers else parts


def as_float32(values: Floats, origin: str) -> NDArray[np.float32]:
    """The values as the model takes them.

    Raises:
        DataError: naming the row that holds one which is not finite, or not in float32.
    """
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not np.isfinite(single).all():
        raise _not_finite(single, 0, origin)
    return single


def _not_finite(values: NDArray[np.float32], start: int, origin: str) -> DataError:
    """The error of the first row that holds a number which is not finite.

    Args:
        values: rows.
        start: how many rows come before these.
        origin: of the rows.
    """
    row = int(np.argmax(~np.isfinite(values.reshape(len(values), -1)).all(axis=1)))
    what = "an infinite number, or one beyond float32"
    if np.isnan(values[row]).any():
        what = "a missing number, and nothing says what takes its place"
    return DataError(f"row {start + row + 1} of {origin} holds {what}")
