"""The columns of a table as the one float32 matrix that a model takes, by blocks of rows.

A block of float64 stays in the processor's cache; of the whole table there is never a copy.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.data.fitted_column import FittedColumn, Floats
from seedbed.data.images.levels import inputs_of, refuse_other_images
from seedbed.errors import DataError
from seedbed.tables.table import Column

BLOCK_VALUES = 2**18
"""Of the matrix, that are made at once."""

MANY_ROWS = 2**10
"""Of a block, from which on each column is written by itself."""

FEW_NAMES = 64
"""Of a column, up to which the inputs of each name are looked up in a table."""


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
    matrix = np.empty((len(columns[0]), _width(features)), dtype=np.float32)
    for block in _blocks(*matrix.shape):
        _fill(matrix[block], parts, block, origin)
    return _shaped(matrix, features)


def input_blocks(
    features: Sequence[FittedColumn], columns: Sequence[Column], *, strict: bool, origin: str
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """As `input_matrix`, some rows at a time, and which these are; they last until the next."""
    parts = _parts(features, columns, strict=strict, origin=origin)
    rows, width = len(columns[0]), _width(features)
    memory = np.empty((min(rows, _at_once(width)), width), dtype=np.float32)
    for block in _blocks(rows, width):
        matrix = memory[: block.stop - block.start]
        _fill(matrix, parts, block, origin)
        yield block, _shaped(matrix, features)


def _width(features: Sequence[FittedColumn]) -> int:
    return sum(one.width for one in features)


def _at_once(width: int) -> int:
    return max(1, BLOCK_VALUES // max(1, width))


def _blocks(rows: int, width: int) -> Iterator[slice]:
    at_once = _at_once(width)
    return (slice(start, min(start + at_once, rows)) for start in range(0, rows, at_once))


def _shaped(matrix: NDArray[np.float32], features: Sequence[FittedColumn]) -> NDArray[np.float32]:
    is_array = len(features) == 1 and bool(features[0].shape)
    return matrix.reshape(len(matrix), *features[0].shape) if is_array else matrix


@np.errstate(over="ignore", invalid="ignore")  # what is not finite is refused by its row
def _fill(matrix: NDArray[np.float32], parts: "Sequence[_Part]", block: slice, origin: str) -> None:
    """Writes the rows of a block; each part writes all of its own inputs.

    Raises:
        DataError: for a value that is not finite.
    """
    for part in parts:
        part.fill(matrix, block)
    if not np.isfinite(matrix).all():
        raise _not_finite(matrix, block.start, origin)


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

        Of many rows a column at a time, which takes half as long: a column lies together. What is
        made on the way has one memory, and its sum tells whether a number may be missing.
        """
        if len(matrix) < MANY_ROWS:
            values: Floats = np.stack([column[rows] for column in self.columns], axis=1)
            values = np.where(np.isnan(values), self.mean, values)
            matrix[:, self.places] = (values - self.subtracted) / self.scale
            return
        scaled = np.empty(len(matrix))
        for number, column in enumerate(self.columns):
            self._scale(number, column[rows], scaled)
            if not np.isfinite(np.add.reduce(scaled)):
                values = column[rows]
                values = np.where(np.isnan(values), self.mean[number], values)
                self._scale(number, values, scaled)
            matrix[:, self.each[number]] = scaled

    def _scale(self, number: int, values: Floats, into: Floats) -> None:
        np.subtract(values, self.subtracted[number], out=into)
        np.divide(into, self.scale[number], out=into)


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
        width: how many inputs there are.
    """

    def __init__(self, indices: NDArray[np.int64], place: int, width: int) -> None:
        self.indices, self.places = indices, slice(place, place + width)
        # By the index of a name; the last is that of none.
        self.inputs = np.eye(width + 1, width, dtype=np.float32) if width <= FEW_NAMES else None

    def fill(self, matrix: NDArray[np.float32], rows: slice) -> None:
        """As `_Numbers.fill`."""
        indices = self.indices[rows]
        if self.inputs is not None:
            matrix[:, self.places] = self.inputs.take(indices, axis=0)
            return
        matrix[:, self.places] = 0.0
        known = np.flatnonzero(indices >= 0)
        matrix[known, self.places.start + indices[known]] = 1.0


class _Images:
    """A column of images.

    Args:
        feature: of it.
        column: as read.
        place: of its first input.
        origin: for errors.
    """

    def __init__(self, feature: FittedColumn, column: Column, place: int, origin: str) -> None:
        self.feature, self.numbers = feature, column.values
        self.pixels = refuse_other_images(feature, column, origin)
        self.places = slice(place, place + feature.width)

    def fill(self, matrix: NDArray[np.float32], rows: slice) -> None:
        """As `_Numbers.fill`."""
        inputs = inputs_of(self.feature, self.pixels.levels[self.numbers[rows]])
        matrix[:, self.places] = inputs.reshape(len(matrix), -1)


_Part = _Numbers | _Array | _Names | _Images


def _parts(
    features: Sequence[FittedColumn], columns: Sequence[Column], *, strict: bool, origin: str
) -> list[_Part]:
    """What fills the matrix; arguments and errors as `input_matrix`."""
    numbers: list[tuple[FittedColumn, Column, int]] = []
    parts: list[_Part] = []
    place = 0
    for feature, column in zip(features, columns, strict=True):
        if feature.takes_number(column):
            numbers.append((feature, column, place))
        elif feature.categories is not None:
            indices = feature.places(column, strict=strict, origin=origin)
            parts.append(_Names(indices, place, feature.width))
        elif feature.kind == "image":
            parts.append(_Images(feature, column, place, origin))
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
