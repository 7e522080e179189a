"""Pieces that a thread reads ahead are those that it read, and end with who asks for them."""

import threading
from collections.abc import Iterator

import pytest

from seedbed.data.streaming.read_ahead import AHEAD, read_ahead
from seedbed.errors import DataError


def readers() -> list[str]:
    names = [one.name for one in threading.enumerate()]
    return [name for name in names if name.startswith("seedbed-reader")]


@pytest.mark.parametrize("count", [0, 1, AHEAD, 50])
def test_pieces_come_in_their_order(count: int) -> None:
    assert [*read_ahead(iter(range(count)))] == [*range(count)]
    assert not readers()


def test_an_error_comes_after_the_pieces_before_it() -> None:
    def pieces() -> Iterator[int]:
        yield from range(5)
        raise DataError("the sixth is damaged")

    ahead = read_ahead(pieces())
    assert [next(ahead) for _ in range(5)] == [*range(5)]
    with pytest.raises(DataError, match=r"the sixth is damaged"):
        next(ahead)
    assert not readers()


def test_whoever_stops_ends_the_thread_and_closes_what_it_read() -> None:
    closed = threading.Event()

    def pieces() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.set()

    def interrupted() -> None:
        for piece in read_ahead(pieces()):
            if piece == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not readers()
    assert closed.is_set()


def test_no_more_than_a_few_pieces_lie_ready() -> None:
    made = []

    def pieces() -> Iterator[int]:
        for piece in range(100):
            made.append(piece)
            yield piece

    ahead = read_ahead(pieces())
    for piece in range(20):
        assert next(ahead) == piece
        assert len(made) <= piece + AHEAD + 1
