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
    """What some rows are; of several columns each is an array.

    Args:
        count: of numbers that are there.
        mean: of these.
        squares: the sum of those of what they are apart from it.
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
        axis: of the rows, and of what else is measured together with them; 1 of columns that come
            one beside the other, which are measured one by one, as the processor's cache holds one.
        keepdims: whether what is measured keeps these dimensions.
        at_once: rows that are measured together.
    """

    def __init__(self, axis: Any = 0, *, keepdims: bool = False, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._by_column = axis == 1
        self._over: Any = {"axis": 0 if self._by_column else axis, "keepdims": True}
        self._keepdims = keepdims
        self._held: list[Floats] = []
        self._rows = 0
        self.count: Any = 0
        self.mean: Any = 0.0
        self._squares: Any = 0.0
        self.low: Any = np.inf
        self.high: Any = -np.inf
        self.gaps: Any = False

    def add(self, values: Sequence[Floats] | Floats) -> None:
        """Looks at further rows."""
        columns: Any = values if self._by_column else [values]
        if not self._held:
            self._held = [np.empty((self._at_once, *one.shape[1:])) for one in columns]
            self._apart = np.empty_like(self._held[0])
        start, stop = 0, len(columns[0])
        while start < stop:
            more = min(stop - start, self._at_once - self._rows)
            for held, one in zip(self._held, columns, strict=True):
                held[self._rows : self._rows + more] = one[start : start + more]
            self._rows, start = self._rows + more, start + more
            if self._rows == self._at_once:
                self.finish()

    def finish(self) -> None:
        """Measures the rows that wait for others."""
        rows, self._rows = self._rows, 0
        if not rows:
            return
        each = [self._measured(one[:rows], self._apart[:rows]) for one in self._held]
        if self._by_column:
            here = Measured(*(np.concatenate(one) for one in zip(*each, strict=True)))
        else:
            here = each[0] if self._keepdims else Measured(*(one[0] for one in each[0]))
        self._merge(here)

    def _measured(self, values: Floats, apart: Floats) -> Measured:
        """Of rows that lie together.

        Args:
            values: of them.
            apart: memory of that shape; memory that is new to the process takes longer than sums.
        """
        over = self._over
        mean = values.mean(**over)
        missing = np.isnan(values) if np.isnan(mean).any() else np.zeros((), dtype=bool)
        if missing.any():
            count, gaps = (~missing).sum(**over), missing.any(**over)
            np.copyto(apart, values)
            apart[missing] = 0.0
            mean = np.where(count > 0, apart.sum(**over) / np.maximum(count, 1), 0.0)
            np.subtract(values, mean, out=apart)
            apart[missing] = 0.0
        else:
            count, gaps = np.full(mean.shape, values.size // mean.size), np.zeros(mean.shape, bool)
            np.subtract(values, mean, out=apart)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.multiply(apart, apart, out=apart).sum(**over)
        low, high = np.fmin.reduce(values, **over), np.fmax.reduce(values, **over)
        return Measured(count, mean, squares, low, high, gaps)

    def _merge(self, here: Measured) -> None:
        """Source: Chan, Golub, LeVeque, "Updating formulae", 1979."""
        self.low, self.high = np.fmin(self.low, here.low), np.fmax(self.high, here.high)
        self.gaps = self.gaps | here.gaps
        if np.all(self.count == 0):
            self.count, self.mean, self._squares = here.count, here.mean, here.squares
            return
        total = self.count + here.count
        share = here.count / np.maximum(total, 1)
        apart = here.mean - self.mean
        with np.errstate(over="ignore", invalid="ignore"):
            self.mean = self.mean + apart * share
            self._squares = self._squares + here.squares + apart * apart * self.count * share
        self.count = total

    @property
    def deviation(self) -> Any:
        """The population standard deviation; 1 of a constant column, and of one without a value."""
        with np.errstate(invalid="ignore"):
            deviation = np.sqrt(self._squares / np.maximum(self.count, 1))
        return np.where(self.high > self.low, deviation, 1.0)
