"""Memory that rows are read into, again and again: new memory costs as much as decoding them."""

from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import NDArray

Arrays = tuple[NDArray[np.float32], NDArray[Any]]

MOST = 2
"""Of rows that are trained on, and of those that are read meanwhile."""


class _Buffer(NamedTuple):
    """Memory, and what was handed out of it.

    Args:
        arrays: for inputs and targets.
        handed: parts of these; a tensor of such a part, or of a part of it, keeps the part.
    """

    arrays: Arrays
    handed: list[ReferenceType[NDArray[Any]]]

    @property
    def is_free(self) -> bool:
        """Whether nobody holds rows of it any longer."""
        return all(one() is None for one in self.handed)


class Buffers:
    """Hands out memory that nobody else has.

    Args:
        empty: makes memory for so many rows.
        most: rows that are mostly asked for at once, or fewer.
    """

    def __init__(self, empty: Callable[[int], Arrays], most: int) -> None:
        self._empty, self._most = empty, most
        self._held: list[_Buffer] = []

    def take(self, rows: int) -> Arrays:
        """Memory for rows, which is the caller's until the last tensor of it is gone."""
        free = next((one for one in self._held if one.is_free), None)
        if free is None or rows > self._most:
            free = _Buffer(self._empty(max(rows, self._most)), [])
            if len(self._held) < MOST and rows <= self._most:
                self._held.append(free)
        x, y = (one[:rows] for one in free.arrays)
        free.handed[:] = [ref(x), ref(y)]
        return x, y
