"""The batches of a stack: to each run, bit for bit, those that it would see alone."""

from collections.abc import Iterable, Sequence

import pytest
import torch
from support.loaders import loader_config
from support.stacked_runs import planned, variants
from torch.utils.data import TensorDataset

from seedbed.components import AllowList
from seedbed.config.schema import LoaderConfig
from seedbed.data.batches import TensorBatches
from seedbed.data.gathered import BatchSpec
from seedbed.data.orders import RowOrders
from seedbed.fused import rows
from seedbed.fused.build_stack import ORDERED_ROWS
from seedbed.fused.rows import StackedBatches, table_of
from seedbed.training.build_run import build_run

CPU = torch.device("cpu")
ROWS = 11

SEEDS = {
    "different": [0, 1, 2, 3],
    "equal": [7, 7, 7],
    "some equal": [3, 0, 3, 5, 0],
}


def data(number: int = 0) -> TensorDataset:
    x = torch.arange(ROWS * 6.0).reshape(ROWS, 2, 3) + 1000 * number
    return TensorDataset(x, torch.arange(ROWS) + 1000 * number)


def loader(size: int | None = 4, *, shuffle: bool = True, drop_last: bool = False) -> LoaderConfig:
    return loader_config(size, shuffle=shuffle, drop_last=drop_last)


LOADERS = {
    "shuffled": loader(),
    "in order": loader(shuffle=False),
    "drop_last": loader(drop_last=True),
    "in order, drop_last": loader(shuffle=False, drop_last=True),
    "full batch": loader(None, shuffle=False),
    "full batch, shuffled": loader(None),
    "more than there are": loader(100),
    "row by row": loader(1),
}


def pair(
    settings: LoaderConfig,
    seeds: Sequence[int],
    *,
    own_rows: bool = False,
    most_rows: int = ORDERED_ROWS,
) -> tuple[StackedBatches, list[TensorBatches]]:
    """The batches of a stack, and those of each of its runs."""
    distinct = list(dict.fromkeys(seeds)) if own_rows else [0]
    parts = [data(number) for number in range(len(distinct))]
    which = [distinct.index(seed) if own_rows else 0 for seed in seeds]
    table = table_of(parts, which, CPU)
    stack = StackedBatches(table, RowOrders(table.rows, settings, seeds, most_rows))
    single = [
        TensorBatches(parts[part], BatchSpec(settings, seed, CPU))
        for seed, part in zip(seeds, which, strict=True)
    ]
    return stack, single


def assert_equal(
    stack: StackedBatches, single: Sequence[TensorBatches], epochs: Iterable[int], start: int = 0
) -> None:
    for epoch in epochs:
        found = list(stack.epoch(epoch, start))
        for run, one in enumerate(single):
            expected = list(one.epoch(epoch, start))
            assert len(found) == len(expected) == stack.batches - start
            for (x, y), (own_x, own_y) in zip(found, expected, strict=True):
                assert len(x) == len(y) == len(single)
                assert torch.equal(x[run], own_x)
                assert torch.equal(y[run], own_y)


@pytest.mark.parametrize("own_rows", [False, True], ids=["shared rows", "rows of its own"])
@pytest.mark.parametrize("seeds", SEEDS.values(), ids=SEEDS)
@pytest.mark.parametrize("settings", LOADERS.values(), ids=LOADERS)
def test_every_run_sees_what_it_would_see_alone(
    settings: LoaderConfig, seeds: list[int], own_rows: bool
) -> None:
    stack, single = pair(settings, seeds, own_rows=own_rows)
    assert stack.batches == len(single[0])
    assert_equal(stack, single, [0, 1, 5, 2])


@pytest.mark.parametrize("own_rows", [False, True], ids=["shared rows", "rows of its own"])
@pytest.mark.parametrize("start", [0, 1, 2, 3])
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
def test_from_the_middle_of_an_epoch(shuffle: bool, start: int, own_rows: bool) -> None:
    stack, single = pair(loader(shuffle=shuffle), SEEDS["different"], own_rows=own_rows)
    assert_equal(stack, single, [0, 3], start)


@pytest.mark.parametrize("own_rows", [False, True], ids=["shared rows", "rows of its own"])
@pytest.mark.parametrize("seeds", SEEDS.values(), ids=SEEDS)
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("places", [[0, 2], [1], [2, 2]], ids=["two", "one", "the last twice"])
def test_when_others_have_left(
    places: list[int], shuffle: bool, seeds: list[int], own_rows: bool
) -> None:
    stack, single = pair(loader(shuffle=shuffle), seeds, own_rows=own_rows)
    assert_equal(stack, single, [0])
    stack.keep(places)
    assert_equal(stack, [single[place] for place in places], [1, 2])
    stack.keep([0])
    assert_equal(stack, [single[places[0]]], [2, 70])


@pytest.mark.parametrize("own_rows", [False, True], ids=["shared rows", "rows of its own"])
def test_small_blocks_change_nothing(own_rows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "GATHERED_BYTES", 100)
    stack, single = pair(loader(3), SEEDS["some equal"], own_rows=own_rows, most_rows=1)
    assert_equal(stack, single, [0, 1])


def test_data_that_is_split_by_the_seed() -> None:
    words = ["data=sklearn", "data.split.validation=0.2", "loader.batch_size=32"]
    configs = variants(words, [{"seed": seed} for seed in (4, 1, 4, 9)])
    plan = planned(configs)
    single = [build_run(config, AllowList([])) for config in configs]
    assert_equal(plan.batches, [one.train for one in single], [0, 1])
    for name, table in plan.splits.items():
        ((x, y),) = table.pieces(table.rows)
        for run, one in enumerate(single):
            (own_x, own_y), *more = one.splits[name].epoch(0)
            assert not more
            assert torch.equal(x[run], own_x)
            assert torch.equal(y[run], own_y)
