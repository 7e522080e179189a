"""Pieces of a stream that a thread reads while those before are looked at, in the same order."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")

AHEAD = 2
"""Pieces that are read before they are asked for."""


def read_ahead(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces; an error of theirs comes where it would have come."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="seedbed-reader")
    try:
        coming = deque(pool.submit(next, pieces, None) for _ in range(AHEAD))
        while (piece := coming.popleft().result()) is not None:
            coming.append(pool.submit(next, pieces, None))
            yield piece
    finally:
        pool.shutdown(cancel_futures=True)
