"""The mean and the standard deviation of columns from one pass over their rows.

Rows are taken so many at a time whatever the files are like, so that the same rows give the same
bits; up to `AT_ONCE` rows, which are measured as in memory, these are the bits of memory.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AT_ONCE = 2**16
"""Rows that are measured together."""


class Moments:
    """What was measured of columns so far; missing numbers are NaN, and do not count.

    Args:
        axis: of the rows, and of what else is measured together with them.
        keepdims: whether what is measured keeps these dimensions.
        at_once: rows that are measured together.
    """

    def __init__(self, axis: Any = 0, *, keepdims: bool = False, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._over: Any = {"axis": axis, "keepdims": keepdims}
        self._rows_axis = axis if isinstance(axis, int) else axis[0]
        self._pending: list[Floats] = []
        self._rows = 0
        self.count: Any = 0
        self.mean: Any = 0.0
        self._squares: Any = 0.0
        self.low: Any = np.inf
        self.high: Any = -np.inf
        self.gaps: Any = False

    def add(self, values: Floats) -> None:
        """Looks at further rows."""
        axis = self._rows_axis
        while values.shape[axis]:
            some, values = np.split(values, [self._at_once - self._rows], axis=axis)
            self._pending.append(some)
            self._rows += some.shape[axis]
            if self._rows == self._at_once:
                self.finish()

    def finish(self) -> None:
        """Measures the rows that wait for others."""
        if not self._pending:
            return
        whole = len(self._pending) == 1
        values = self._pending[0] if whole else np.concatenate(self._pending, self._rows_axis)
        values = np.ascontiguousarray(values)
        self._pending, self._rows = [], 0
        missing = np.isnan(values)
        self.gaps = self.gaps | missing.any(**self._over)
        here: Any = (~missing).sum(**self._over)
        if missing.any():
            mean = np.where(here > 0, np.nansum(values, **self._over) / np.maximum(here, 1), 0.0)
            apart = np.where(missing, 0.0, values - self._spread(mean))
        else:
            mean = values.mean(**self._over)
            apart = values - self._spread(mean)
        with np.errstate(over="ignore", invalid="ignore"):
            self._merge(here, mean, (apart * apart).sum(**self._over))
        self.low = np.fmin(self.low, np.fmin.reduce(values, **self._over))
        self.high = np.fmax(self.high, np.fmax.reduce(values, **self._over))

    def _spread(self, measured: Any) -> Any:
        """What was measured beside the rows that it is of."""
        return measured if self._over["keepdims"] else np.expand_dims(measured, self._rows_axis)

    def _merge(self, count: Any, mean: Any, squares: Any) -> None:
        """Source: Chan, Golub, LeVeque, "Updating formulae", 1979."""
        total = self.count + count
        if np.all(self.count == 0):
            self.count, self.mean, self._squares = count, mean, squares
            return
        share = count / np.maximum(total, 1)
        apart = mean - self.mean
        self.mean = self.mean + apart * share
        self._squares = self._squares + squares + apart * apart * self.count * share
        self.count = total

    @property
    def deviation(self) -> Any:
        """The population standard deviation; 1 of a constant column, and of one without a value."""
        with np.errstate(invalid="ignore"):
            deviation = np.sqrt(self._squares / np.maximum(self.count, 1))
        return np.where(self.high > self.low, deviation, 1.0)
