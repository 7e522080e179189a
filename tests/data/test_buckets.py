"""Rows of similar length share batches, in an order that is a function of (seed, epoch)."""

import numpy as np
import pytest
from support.loaders import loader_config
from support.single_runs import prepared

from seedbed.data.buckets import bucketed, buckets_of
from seedbed.data.orders import RowOrders
from seedbed.data.seeds import row_order
from seedbed.errors import ConfigError, DataError

LENGTHS = np.random.default_rng(0).integers(1, 60, 203)


def orders(number: int | None, seeds: tuple[int, ...] = (0,)) -> RowOrders:
    buckets = None if number is None else buckets_of(LENGTHS.tolist(), number)
    return RowOrders(203, loader_config(8), seeds, 2**14, buckets=buckets)


def padding(order: np.ndarray) -> float:
    """Places that hold nothing, of all places of an epoch's batches."""
    parts = [LENGTHS[order[start : start + 8]] for start in range(0, 203, 8)]
    places = sum(len(part) * part.max() for part in parts)
    return 1 - LENGTHS.sum() / places


@pytest.mark.parametrize("epoch", [0, 1, 200])
def test_every_row_comes_once_and_little_is_filled_up(epoch: int) -> None:
    plain, order = (orders(number).of(epoch).numpy() for number in (None, 10))
    assert sorted(order) == list(range(203))
    assert padding(plain) > 0.35
    assert padding(order) < 0.12


def test_batches_are_of_one_bucket_or_of_neighbours_and_the_last_of_any() -> None:
    buckets = buckets_of(LENGTHS.tolist(), 10)
    assert np.bincount(buckets).tolist() == [21, 20, 20, 21, 20, 20, 21, 20, 20, 20]
    assert (np.diff(buckets[np.argsort(LENGTHS, kind="stable")]) >= 0).all()
    order = orders(10).of(3).numpy()
    spread = [np.ptp(buckets[order[start : start + 8]]) for start in range(0, 200, 8)]
    assert max(spread) <= 1
    assert sum(spread) <= 9
    assert order[200:].tolist() == row_order(0, 3, 203)[200:].tolist()


def test_the_order_is_a_function_of_seed_and_epoch_alone() -> None:
    one, many = orders(10, (5,)), orders(10, (3, 5))
    assert (one.of(70) == many.of(70)[1]).all()
    assert (orders(10, (5,)).of(70) == one.of(70)).all()
    assert (one.of(70) != one.of(71)).any()


def test_batches_come_in_any_order_and_rows_in_any_batch_of_their_bucket() -> None:
    made = orders(4)
    first = np.stack([made.of(epoch).numpy()[:8] for epoch in range(300)])
    assert 20 < np.mean(LENGTHS[first]) < 40
    met = {frozenset(row) for row in first}
    assert len(met) == 300


def test_a_batch_larger_than_the_rows_is_left_as_it_is() -> None:
    order = np.arange(5)
    assert bucketed(order, np.zeros(5, dtype=np.int64), 9, 1).tolist() == [0, 1, 2, 3, 4]


WORDS = [
    "data=dataset",
    "data.train={_target_:support.own_parts.sequences.Sequences}",
    "model._target_=support.own_parts.sequences.Packed",
    "allow=[support]",
]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["loader.buckets=4"], "with loader.collate=null all have the same"),
        (
            ["loader.buckets=4", "loader.collate=pad", "loader.shuffle=false"],
            "shuffle=false leaves",
        ),
        (
            ["loader.buckets=4", "loader.collate=pad", "data.check_rows=9"],
            "needs the length of every",
        ),
        (["loader.buckets=1", "loader.collate=pad"], "loader.buckets must be .* >= 2"),
    ],
)
def test_buckets_that_cannot_be_are_refused(line: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        prepared(*WORDS, *line)


def test_more_buckets_than_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"loader.buckets=41 are more than the 40 training rows"):
        prepared(*WORDS, "loader.collate=pad", "loader.buckets=41")


def test_padding_of_a_table_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"loader.collate=pad is for rows of data=dataset"):
        prepared("loader.collate=pad")
