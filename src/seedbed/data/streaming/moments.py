"""The mean and the standard deviation of columns from one pass over their rows.

Rows are taken so many at a time whatever the files are like, so that the same rows give the same
bits; up to `AT_ONCE` rows, which are measured as in memory, these are the bits of memory.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AT_ONCE = 2**16
"""Rows that are measured together."""


class Measured(NamedTuple):
    """What was measured of some rows; of several columns in arrays.

    Args:
        count: of numbers that are there.
        mean: of these.
        squares: the sum of those of what they are apart from the mean.
        low: the smallest.
        high: the largest.
        gaps: whether one is missing.
    """

    count: Any
    mean: Any
    squares: Any
    low: Any
    high: Any
    gaps: Any


class Moments:
    """What was measured of columns so far; missing numbers are NaN, and do not count.

    Args:
        axis: of the rows, and of what else is measured together with them; 1 of columns that lie
            one after the other, and are measured so: each fits into the processor's cache.
        keepdims: whether what is measured keeps these dimensions.
        at_once: rows that are measured together.
    """

    def __init__(self, axis: Any = 0, *, keepdims: bool = False, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._over: Any = {"axis": axis, "keepdims": keepdims}
        self._by_column = axis == 1
        self._held: Any = None
        self._rows = 0
        self.count: Any = 0
        self.mean: Any = 0.0
        self._squares: Any = 0.0
        self.low: Any = np.inf
        self.high: Any = -np.inf
        self.gaps: Any = False
