"""The one place that decides what is drawn at random, and from which seed.

Every stream is a pure function of (`seed`, its name, its counters), so nothing depends on what ran
before. Row orders come from a counter-based generator rather than from a library's, so that they
are the same on every machine and can be drawn for many runs at once.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def stream_seed(seed: int, stream: str, *counters: int) -> int:
    """The seed, in [0, 2**63), of a named stream of random numbers.

    The starting weights are the exception: they use `seed` itself, so that a plain PyTorch model
    after `torch.manual_seed(seed)` has the same ones.
    """
    text = "/".join([str(seed), stream, *map(str, counters)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


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


def permutations(keys: Sequence[int], rows: int) -> Order:
    """One random order of `rows` rows for each key, a pure function of it.

    Sorts the rows by SplitMix64 values; these are a bijection of the row's number, so no two are
    equal and every sorting algorithm gives the same order.

    Shape:
        (keys, rows) int64

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    with np.errstate(over="ignore"):
        steps = _GOLDEN * np.arange(1, rows + 1, dtype=np.uint64)
        mixed = np.array(keys, dtype=np.uint64)[:, None] + steps
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
        mixed = mixed ^ (mixed >> np.uint64(31))
    return np.argsort(mixed, axis=1).astype(np.int64, copy=False)
