"""The one place that decides what is drawn at random, and from which seed.

Every stream is a pure function of (`seed`, its name, its counters), so nothing depends on what ran
before. Row orders come from a counter-based generator rather than from a library's, so that they
are the same on every machine and can be drawn for many runs at once.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

_IN_CACHE = 2**15
"""Values that are mixed and sorted at a time."""


def stream_seed(seed: int, stream: str, *counters: int) -> int:
    """The seed, in [0, 2**63), of a named stream of random numbers.

    The starting weights are the exception: they use `seed` itself, so that a plain PyTorch model
    after `torch.manual_seed(seed)` has the same ones.
    """
    text = "/".join([str(seed), stream, *map(str, counters)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def stream_seeds(seeds: Iterable[int], stream: str, counters: Iterable[int]) -> NDArray[np.uint64]:
    """The seeds of a stream for each of many seeds, and each value of its one counter.

    The beginning of the text is digested once for each seed. A hundred runs of a hundred epochs ask
    for ten thousand, so nothing is done here but what has to be.

    Shape:
        (seeds, counters)
    """
    ends = [str(counter).encode() for counter in counters]
    digests: list[bytes] = []
    add = digests.append
    for seed in seeds:
        begun = hashlib.blake2b(f"{seed}/{stream}/".encode(), digest_size=8).copy
        for end in ends:
            text = begun()
            text.update(end)
            add(text.digest())
    numbers = np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
    return (numbers >> np.uint64(1)).reshape(-1, len(ends))


def row_order(seed: int, epoch: int, rows: int) -> Order:
    """The order in which an epoch visits the training rows.

    Args:
        seed: the run's.
        epoch: counted from 0.
        rows: how many there are.

    Shape:
        (rows,) int64, each of 0 … rows - 1 once
    """
    return permutation(stream_seed(seed, "order", epoch), rows)


def permutation(key: int, rows: int) -> Order:
    """A random order of `rows` rows, a pure function of `key`; (rows,) int64."""
    order: Order = permutations([key], rows)[0]
    return order


def permutations(keys: Sequence[int] | NDArray[np.uint64], rows: int) -> Order:
    """One random order of `rows` rows for each key, a pure function of it.

    Sorts the rows by SplitMix64 values; these are a bijection of the row's number, so no two are
    equal and every sorting algorithm gives the same order.

    Shape:
        (keys, rows) int64

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    orders = np.empty((len(keys), rows), dtype=np.int64)
    some, steps = max(1, _IN_CACHE // max(1, rows)), _steps(0, rows)
    for start in range(0, len(keys), some):
        here = np.array(keys[start : start + some], dtype=np.uint64)[:, None]
        orders[start : start + some] = np.argsort(_mixed(here + steps), axis=1)
    return orders


def scattered(key: int, start: int, stop: int) -> NDArray[np.uint64]:
    """The numbers that `permutation(key, rows)` sorts rows by, of those from `start` to `stop`.

    No two rows have the same, however many there are; so a part of an order can be told without it.

    Shape:
        (stop - start,)
    """
    return _mixed(_steps(start, stop) + np.uint64(key))


def shuffled(key: int, rows: int) -> Order:
    """A random order of very many rows, a pure function of `key`; another than `permutation`'s.

    The number of a row stands in the last bits of what is sorted, so that nothing has to be sorted
    along with it, which takes a fifth of the time.

    Shape:
        (rows,) int64, each of 0 … rows - 1 once
    """
    last = np.uint64((1 << max(1, (rows - 1).bit_length())) - 1)
    numbers = np.empty(rows, dtype=np.uint64)
    for start in range(0, rows, _IN_CACHE):
        stop = min(start + _IN_CACHE, rows)
        first = scattered(key, start, stop) & ~last
        numbers[start:stop] = first | np.arange(start, stop, dtype=np.uint64)
    numbers.sort()
    numbers &= last
    order: Order = numbers.view(np.int64)
    return order


def _steps(start: int, stop: int) -> NDArray[np.uint64]:
    """What SplitMix64 adds to a key for the numbers of these rows, modulo 2**64."""
    steps: NDArray[np.uint64] = _GOLDEN * np.arange(start + 1, stop + 1, dtype=np.uint64)
    return steps


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The values after SplitMix64's finalizer, which works in place."""
    values ^= values >> np.uint64(30)
    values *= _MIX_1
    values ^= values >> np.uint64(27)
    values *= _MIX_2
    values ^= values >> np.uint64(31)
    return values


def row_keys(key: int, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A key for each row, a pure function of `key` and the row's number; of its shape."""
    return _mixed(_GOLDEN * (rows.astype(np.uint64) + np.uint64(1)) + np.uint64(key))


def uniforms(keys: NDArray[np.uint64], count: int) -> NDArray[np.float64]:
    """Numbers from 0 up to 1, a pure function of each key: the i-th hangs on nothing but i and it.

    Args:
        keys: of rows, each mixed already.
        count: numbers of each.

    Shape:
        (rows,) -> (rows, count)
    """
    mixed = _mixed(keys[:, None] + _steps(0, count))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
