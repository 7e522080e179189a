"""How the rows of files are cut into blocks, and which blocks are mixed in an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from seedbed.data.seeds import Order, permutation, shuffled, stream_seed

MIXED = 16
"""Blocks that are mixed at a time, of as many rows as the memory holds."""

OVERLAP = 4
"""Row groups that a block has at least, where it begins and ends within some."""

BUFFERS = 4
"""Parts of the memory: two buffers, the held-out rows that are kept, and what reading takes."""


def capacity(memory: int, row_bytes: int) -> int:
    """Rows that are mixed at a time.

    Args:
        memory: `data.memory`.
        row_bytes: of the input and the target of a row.
    """
    return max(1, memory // BUFFERS // row_bytes)


def block_edges(groups: Sequence[int], rows: int) -> list[int]:
    """Where blocks begin, and the end of the last.

    Where row groups are small beside a block, every block has the same number of rows, so that
    it is the same whatever the files and their row groups are. Otherwise a block is a row
    group, or several small ones that follow each other.

    Args:
        groups: where row groups begin, and the end of the last.
        rows: that a block should have.
    """
    total = groups[-1]
    rows = max(1, rows)
    if max((b - a for a, b in pairwise(groups)), default=0) * OVERLAP <= rows:
        return [*range(0, total, rows), total]
    edges = [0]
    for start, stop in pairwise(groups):
        if stop - edges[-1] > rows and start > edges[-1]:
            edges.append(start)
    return [*edges, total]


@dataclass(frozen=True)
class Mix:
    """Blocks whose rows are mixed.

    Args:
        blocks: their numbers.
        rows: of them.
        number: of the mix in its epoch.
    """

    blocks: Sequence[int]
    rows: int
    number: int


def mixes(counts: Sequence[int], most: int, order: Sequence[int]) -> list[Mix]:
    """Blocks in an order, together as long as they fit; all mixes are about as large.

    Args:
        counts: rows of each block.
        most: rows of a mix; one block may have more.
        order: numbers of blocks.
    """
    total = sum(counts)
    enough = -(-total // max(1, -(-total // most)))
    found: list[Mix] = []
    held: list[int] = []
    rows = 0
    for block in order:
        if held and (rows + counts[block] > most or rows >= enough):
            found.append(Mix(held, rows, len(found)))
            held, rows = [], 0
        held, rows = [*held, block], rows + counts[block]
    return [*found, Mix(held, rows, len(found))]


def epoch_order(seed: int, epoch: int, blocks: int) -> list[int]:
    """The order of the blocks of an epoch."""
    order: list[int] = permutation(stream_seed(seed, "blocks", epoch), blocks).tolist()
    return order


def order_within(seed: int, epoch: int, mix: Mix) -> Order:
    """The order of the rows of a mix."""
    return shuffled(stream_seed(seed, "mix", epoch, mix.number), mix.rows)
