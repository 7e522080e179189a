"""A column of text that is read a block at a time: as numbers, as long as it holds nothing else."""

from typing import Any

import numpy as np
import pyarrow as pa

from seedbed.tables.arrow_values import floats
from seedbed.tables.column_kinds import leading_zeros
from seedbed.tables.number_text import Floats, TextNumbers, bare_numbers

LATEST = 8
"""Arrays of text, of which each may have reserved as much memory as all columns together need."""


class GrowingColumn:
    """A column, of which nothing is read yet.

    Args:
        may_be_numbers: whether its text need not be kept while it is numbers.
    """

    def __init__(self, *, may_be_numbers: bool) -> None:
        self._floats: list[Floats] = []
        self._texts: list[Any] = []
        self._latest: list[Any] = []
        self._are_numbers = may_be_numbers
        self._whole, self._leading_zeros = True, False

    @property
    def has_lost_text(self) -> bool:
        """Whether it is no column of numbers after all, and must be read again."""
        return bool(self._floats) and not self._are_numbers

    def append(self, cells: Any) -> None:
        """Takes the next cells, an Arrow array of text."""
        read = bare_numbers(cells) if self._are_numbers else None
        self._are_numbers = read is not None
        if read is None:
            self._latest.append(cells)
            if len(self._latest) == LATEST:
                self._pack()
            return
        values = np.array(floats(read))  # a copy, so that Arrow uses its own memory again
        self._floats.append(values)
        self._whole = self._whole and not np.any(values[np.isfinite(values)] % 1)
        if self._whole and not self._leading_zeros:
            self._leading_zeros = leading_zeros(cells)

    def taken(self) -> Any:
        """All of the cells, which are here no longer: `TextNumbers`, or text of Arrow."""
        if self._are_numbers and self._floats:
            parts, self._floats = self._floats, []
            return TextNumbers(np.concatenate(parts), self._leading_zeros)
        self._pack()
        return pa.chunked_array(self._texts, pa.string())

    def _pack(self) -> None:
        """Copies the latest cells into one array, which has no more memory than it needs."""
        if self._latest:
            self._texts.append(pa.concat_arrays(self._latest))
            self._latest = []
