"""The weights of rows in the loss, which stand behind the targets of each row.

A batch is inputs and targets, wherever it goes; a weight that is a last column of the targets goes
with its row through every loader, order and stack.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import DataError
from seedbed.tables.table import Column, Table

LARGEST = 1e30
"""Of a weight; the sum of all of them is finite in float32."""

LEAST = float(np.finfo(np.float32).tiny)
"""Where all weights are less, they are 0 where the loss computes with them, or nearly."""


def weights_of(name: str, table: Table) -> NDArray[np.float64]:
    """As `checked_weights`, those of a table, of which errors name the rows."""
    return checked_weights(name, table.column(name, "data.weight"), table.origin)


def checked_weights(name: str, column: Column, origin: str) -> NDArray[np.float64]:
    """The weights of rows.

    Args:
        name: of the column.
        column: with them.
        origin: of the rows, for errors.

    Shape:
        -> (rows,)

    Raises:
        DataError: if one is no number, missing, negative, or beyond `LARGEST`.
    """
    if column.kind == "category" or column.values.ndim > 1:
        raise DataError(f"data.weight: '{name}' of {origin} holds no numbers, one a row")
    values: NDArray[np.float64] = column.values
    wrong = ~((values >= 0) & (values <= LARGEST))
    if wrong.any():
        row = int(np.argmax(wrong))
        got = "no value" if np.isnan(values[row]) else f"{values[row]:g}"
        raise DataError(
            f"data.weight: '{name}' of {origin} has {got} in row {row + 1}; a weight is a number "
            f">= 0 and at most {LARGEST:g}, and 0 leaves a row out of the loss"
        )
    return values


def with_weights(
    targets: NDArray[Any], weights: NDArray[np.float64], what: str
) -> NDArray[np.float32]:
    """Targets with the weight of each row as their last column.

    Args:
        targets: as `Preprocessing.targets`; numbers of classes are exact in float32.
        weights: of the rows.
        what: rows they are, for errors.

    Shape:
        targets (rows, …), weights (rows,) -> (rows, values + 1)

    Raises:
        DataError: if no row counts.
    """
    if not (weights >= LEAST).any():
        least = f", or below {LEAST:.2g}, the least in float32" if weights.any() else ""
        raise DataError(f"data.weight: all weights of the {what} are 0{least}, and no row counts")
    beside = targets.reshape(len(targets), -1).astype(np.float32)
    return np.column_stack([beside, weights.astype(np.float32)])
