"""Which numbers can be taken, and which means and standard deviations measured, as floats."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.errors import DataError
from seedbed.tables.table import Column

Floats = NDArray[np.float64]

LEAST, MOST = 1e-150, 1e150
"""Of a standard deviation; the squares that it is the mean of are no floats otherwise, or zero."""


def refuse_immeasurable(
    names: Sequence[str], means: ArrayLike, deviations: ArrayLike, origin: str
) -> None:
    """Refuses columns that would become nothing but zeros, or divided by zero.

    Args:
        names: of the columns.
        means: of each; several where a row holds several.
        deviations: likewise, 1 for a constant column.
        origin: for errors.

    Raises:
        DataError: naming each column whose mean or standard deviation a float cannot hold.
    """
    mean, deviation = (np.reshape(one, (len(names), -1)) for one in (means, deviations))
    right: Any = np.isfinite(mean).all(axis=1)
    right &= ((deviation > LEAST) & (deviation < MOST)).all(axis=1)
    if not right.all():
        raise DataError(
            *(
                f"column '{name}' of {origin} holds numbers too large or too small to measure "
                f"their deviation (from {LEAST:g} to {MOST:g}); write them in another unit"
                for name, is_right in zip(names, right, strict=True)
                if not is_right
            )
        )


def refuse_infinite(columns: Mapping[str, Column], origin: str) -> None:
    """Raises DataError, naming the row of each column with an infinite number, or one too large."""
    problems = []
    for name, column in columns.items():
        if column.kind == "category" or _within_float32(column.values):
            continue
        if (wrong := beyond_float32(column.values)).any():
            row = int(np.argmax(wrong))
            infinite = np.isinf(column.values[row]).any()
            held = "an infinite number" if infinite else "a number beyond float32, 3.4e38"
            problems.append(f"column '{name}' of {origin} holds {held} (row {row + 1})")
    if problems:
        raise DataError(*problems)


def beyond_float32(values: Floats) -> NDArray[np.bool_]:
    """The rows that hold an infinite number, or one whose square may not be finite in float64.

    Shape:
        (rows, …) -> (rows,)
    """
    largest = np.finfo(np.float32).max
    wrong: NDArray[np.bool_] = np.any(np.abs(values.reshape(len(values), -1)) > largest, axis=1)
    return wrong


def _within_float32(values: Floats) -> bool:
    """Whether no number of a column of one a row is beyond; missing ones are none."""
    if values.ndim > 1 or not len(values):
        return False
    most = float(np.finfo(np.float32).max)
    return bool(np.fmin.reduce(values) >= -most and np.fmax.reduce(values) <= most)
