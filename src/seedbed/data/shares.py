"""Which rows of a batch are a rank's: each row is one rank's, whatever their number."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Share:
    """A rank's part of every batch.

    Args:
        rank: from 0.
        ranks: how many there are.
    """

    rank: int
    ranks: int

    def of(self, rows: int, rank: int | None = None) -> slice:
        """The rows of a batch of so many; the shares differ by one row at most.

        Args:
            rows: of the batch.
            rank: None for this one.
        """
        number = self.rank if rank is None else rank
        return slice(rows * number // self.ranks, rows * (number + 1) // self.ranks)

    def __call__(self, rows: Tensor) -> Tensor:
        """The rows of a batch that are this rank's."""
        return rows[self.of(len(rows))]
