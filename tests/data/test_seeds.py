"""The order of rows: a pure function of (seed, epoch), and random enough."""

from collections import Counter
from itertools import pairwise
from itertools import permutations as arrangements

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from seedbed.data.seeds import (
    permutation,
    permutations,
    row_order,
    scattered,
    shuffled,
    stream_seed,
    stream_seeds,
)

UNLIKELY = 1e-4


@settings(deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 10**6), st.integers(1, 500))
def test_an_order_has_each_row_once(seed: int, epoch: int, rows: int) -> None:
    assert sorted(row_order(seed, epoch, rows).tolist()) == list(range(rows))


@pytest.mark.parametrize("rows", [1, 2, 3, 2**15 - 1, 2**15, 2**15 + 1, 100_000])
def test_a_large_order_is_that_of_the_first_bits_by_a_stable_sort(rows: int) -> None:
    bits = max(1, (rows - 1).bit_length())
    first = scattered(7, 0, rows) >> np.uint64(bits)
    assert shuffled(7, rows).tolist() == np.argsort(first, kind="stable").tolist()


def test_an_order_depends_on_nothing_else() -> None:
    first = row_order(3, 5, 100).tolist()
    torch.manual_seed(1)
    row_order(4, 5, 100)
    assert row_order(3, 5, 100).tolist() == first


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {tuple(row_order(seed, epoch, 50)) for seed in range(30) for epoch in range(30)}
    assert len(orders) == 900


@pytest.mark.parametrize(
    ("seed", "epoch", "order"),
    [
        (0, 0, [0, 3, 6, 4, 7, 5, 2, 1]),
        (0, 1, [6, 0, 4, 3, 5, 7, 1, 2]),
        (1, 0, [6, 5, 1, 4, 0, 3, 2, 7]),
        (2**63 - 1, 10**6, [4, 1, 3, 2, 6, 5, 0, 7]),
    ],
)
def test_orders_stay_as_they_were_published(seed: int, epoch: int, order: list[int]) -> None:
    assert row_order(seed, epoch, 8).tolist() == order


def test_a_large_order_stays_as_it_was_published() -> None:
    assert stream_seed(0, "order", 0) == 1829853113658518448
    assert row_order(0, 0, 100_000)[:6].tolist() == [78145, 49223, 88512, 63211, 57546, 99899]


def test_every_row_stands_equally_often_at_every_index() -> None:
    counts = np.zeros((8, 8), dtype=int)
    for epoch in range(4000):
        counts[np.arange(8), row_order(0, epoch, 8)] += 1
    assert chisquare(counts.ravel()).pvalue > UNLIKELY


@pytest.mark.parametrize("along", ["epochs", "seeds"])
def test_every_order_comes_equally_often(along: str) -> None:
    pairs = [(0, n) if along == "epochs" else (n, 0) for n in range(4800)]
    found = Counter(tuple(row_order(seed, epoch, 4).tolist()) for seed, epoch in pairs)
    counts = [found[order] for order in arrangements(range(4))]
    assert chisquare(counts).pvalue > UNLIKELY


def test_the_order_of_one_epoch_tells_nothing_of_the_next() -> None:
    orders = np.array([row_order(0, epoch, 200) for epoch in range(400)])
    related = [np.corrcoef(a, b)[0, 1] for a, b in pairwise(orders)]
    assert abs(np.mean(related)) < 4 / np.sqrt(200 * 399)


def test_streams_have_seeds_of_their_own() -> None:
    names = ["order", "split", "training", "rows"]
    seeds = {stream_seed(n, name, m) for n in range(20) for m in range(20) for name in names}
    assert len(seeds) == 1600
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_many_seeds_of_a_stream_are_those_drawn_one_by_one() -> None:
    seeds, counters = [0, 7, 2**40], [0, 1, 9, 10, 123456]
    singly = [[stream_seed(seed, "order", one) for one in counters] for seed in seeds]
    assert stream_seeds(seeds, "order", counters).tolist() == singly


def test_permutations_do_not_depend_on_how_many_are_drawn_together() -> None:
    keys = [3, 1, 4, 1, 5]
    together = permutations(keys, 20_000)  # more than are mixed at a time
    assert all(
        np.array_equal(row, permutation(key, 20_000))
        for key, row in zip(keys, together, strict=True)
    )
