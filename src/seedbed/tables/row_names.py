"""The names in a column of them: of a million rows, every different name is held once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RowNames:
    """A name for each row.

    Args:
        indices: (rows,) int32, of each row's name; -1 for a missing one.
        different: the names, no two of them alike; it may be that no row has one of them.
    """

    indices: NDArray[np.int32]
    different: Sequence[str]

    @classmethod
    def of(cls, names: Sequence[str | None]) -> "RowNames":
        """From a name for each row; None for a missing one."""
        known: dict[str, int] = {}
        indices = [-1 if name is None else known.setdefault(name, len(known)) for name in names]
        return cls(np.array(indices, dtype=np.int32), list(known))

    @classmethod
    def at(cls, indices: NDArray[Any], names: Sequence[str | None]) -> "RowNames":
        """From the place of each row's name among names that may be alike, or None; -1 for none."""
        known = cls.of(names)
        if len(known.different) == len(names):  # all unlike, so that each keeps its place
            return cls(np.asarray(indices, dtype=np.int32), known.different)
        return cls(np.append(known.indices, np.int32(-1))[indices], known.different)

    def renamed(self, names: Sequence[str | None]) -> "RowNames":
        """The same rows by other names, one for each different one."""
        return RowNames.at(self.indices, names)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which rows have no name."""
        return self.indices < 0

    def held(self) -> list[str]:
        """The different names that rows have."""
        counts = np.bincount(self.indices + 1, minlength=len(self.different) + 1)[1:]
        return [self.different[index] for index in np.flatnonzero(counts).tolist()]

    def in_order(self) -> list[str | None]:
        """The different names that rows have, None as well, in the order that they come in."""
        found, first = np.unique(self.indices, return_index=True)
        return [self.name(index) for index in found[np.argsort(first)].tolist()]

    def name(self, index: int) -> str | None:
        """The name of an index."""
        return None if index < 0 else self.different[index]

    def ranks(self) -> NDArray[np.int64]:
        """The place of each row's name among the sorted ones; no name may be missing.

        Shape:
            (rows,)
        """
        _, ranks = np.unique(np.array(self.different), return_inverse=True)
        placed: NDArray[np.int64] = ranks[self.indices]
        return placed

    def to_list(self) -> list[str | None]:
        """A name for each row."""
        names = np.array([*self.different, None], dtype=object)
        listed: list[str | None] = names[self.indices].tolist()
        return listed
