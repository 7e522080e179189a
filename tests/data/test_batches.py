"""Batches: the same rows in the same order, whoever reads them."""

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from support.loaders import loader_config as loader
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from seedbed.config.schema import LoaderConfig
from seedbed.data import gathered
from seedbed.data.batches import (
    Batches,
    LoaderBatches,
    TensorBatches,
    evaluation_batches,
    training_batches,
)
from seedbed.data.gathered import BatchSpec
from seedbed.data.seeds import row_order
from seedbed.errors import DataError

CPU = torch.device("cpu")
ROWS = 11
DATA = TensorDataset(torch.arange(ROWS * 3.0).reshape(ROWS, 3), torch.arange(ROWS))


class NoisyRows(Dataset[tuple[Tensor, Tensor]]):
    """A Dataset that augments, with each of the generators that people draw from."""

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        noise = [float(torch.rand(())), random.random(), float(np.random.rand())]
        x = torch.tensor(noise) + index
        return x if torch.rand(()) < 0.5 else x.flip(0), torch.tensor(index)


def rows_of(batches: Batches, epoch: int = 0, start: int = 0) -> list[list[int]]:
    """The numbers of the rows in each batch; the target of a row is its number."""
    return [y.tolist() for _, y in batches.epoch(epoch, start)]


def same_batches(one: Batches, other: Batches, epoch: int) -> bool:
    pairs = list(zip(one.epoch(epoch), other.epoch(epoch), strict=True))
    return all(
        torch.equal(a, b) for mine, theirs in pairs for a, b in zip(mine, theirs, strict=True)
    )


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "settings",
    [
        loader(),
        loader(shuffle=False),
        loader(drop_last=True),
        loader(None),
        loader(100),
    ],
    ids=["shuffled", "in order", "drop_last", "full batch", "batch larger than the data"],
)
def test_a_table_gives_the_same_batches_with_or_without_workers(
    settings: LoaderConfig, workers: int
) -> None:
    spread = replace(settings, num_workers=workers)
    tensors = TensorBatches(DATA, BatchSpec(settings, 0, CPU))
    loaded = LoaderBatches(DATA, BatchSpec(spread, 0, CPU))
    assert len(tensors) == len(loaded)
    for epoch in (0, 1):
        assert same_batches(tensors, loaded, epoch)


def test_rows_come_in_the_order_that_seeds_decides() -> None:
    batches = training_batches(DATA, loader(), 5, CPU)
    for epoch in range(3):
        expected = [part.tolist() for part in torch.from_numpy(row_order(5, epoch, ROWS)).split(4)]
        assert rows_of(batches, epoch) == expected


def test_without_shuffle_rows_come_as_they_stand() -> None:
    batches = training_batches(DATA, loader(shuffle=False), 5, CPU)
    assert rows_of(batches) == rows_of(batches, 1) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]


@pytest.mark.parametrize("kind", [TensorBatches, LoaderBatches])
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("drop_last", [True, False], ids=["drop_last", "keep last"])
@pytest.mark.parametrize("start", range(4))
def test_start_skips_exactly_that_many_batches(
    kind: type, shuffle: bool, drop_last: bool, start: int
) -> None:
    batches = kind(DATA, BatchSpec(loader(shuffle=shuffle, drop_last=drop_last), 0, CPU))
    assert rows_of(batches, 1, start) == rows_of(batches, 1)[start:]


def test_drop_last_leaves_out_the_rows_that_fill_no_batch() -> None:
    batches = training_batches(DATA, loader(drop_last=True), 0, CPU)
    assert [len(rows) for rows in rows_of(batches)] == [4, 4]
    assert len(batches) == 2


def test_drop_last_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(DataError, match=r"leaves no batch: 11 rows, loader.batch_size=12; type"):
        training_batches(DATA, loader(12, drop_last=True), 0, CPU)


@pytest.mark.parametrize("size", [None, 1, 4, 11, 5000])
@pytest.mark.parametrize("data", [DATA, NoisyRows()], ids=["table", "dataset"])
def test_evaluation_sees_every_row_once_in_order(size: int | None, data: Dataset) -> None:
    batches = evaluation_batches(data, loader(size, drop_last=True), 0, CPU)
    assert [row for rows in rows_of(batches) for row in rows] == list(range(ROWS))
    assert batches.rows == ROWS


def test_small_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = training_batches(DATA, loader(2), 0, CPU)
    monkeypatch.setattr(gathered, "BLOCK_BYTES", 100)
    blocks = training_batches(DATA, loader(2), 0, CPU)
    assert blocks.block < ROWS <= whole.block
    assert same_batches(whole, blocks, 1)


class TestADatasetThatAugments:
    def test_gives_the_same_rows_with_or_without_workers(self) -> None:
        alone = training_batches(NoisyRows(), loader(), 0, CPU)
        spread = training_batches(NoisyRows(), loader(workers=2), 0, CPU)
        assert same_batches(alone, spread, 0)
        assert same_batches(alone, spread, 1)

    def test_gives_other_noise_in_every_epoch(self) -> None:
        batches = training_batches(NoisyRows(), loader(shuffle=False), 0, CPU)
        seen = [torch.cat([x for x, _ in batches.epoch(epoch)]) for epoch in range(3)]
        assert not any(torch.equal(a, b) for a, b in pairwise(seen))

    def test_gives_the_same_rows_from_the_middle_of_an_epoch(self) -> None:
        batches = training_batches(NoisyRows(), loader(), 0, CPU)
        whole = [x for x, _ in batches.epoch(2)][1:]
        rest = [x for x, _ in batches.epoch(2, 1)]
        assert all(torch.equal(a, b) for a, b in zip(whole, rest, strict=True))

    def test_depends_on_nothing_that_was_drawn_before(self) -> None:
        first = [x for x, _ in training_batches(NoisyRows(), loader(), 0, CPU).epoch(0)]
        torch.rand(3), random.random(), np.random.rand()
        again = [x for x, _ in training_batches(NoisyRows(), loader(), 0, CPU).epoch(0)]
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))

    def test_leaves_the_global_generators_alone(self) -> None:
        def states() -> list[str]:
            return [
                str(torch.get_rng_state().tolist()),
                str(random.getstate()),
                str(np.random.get_state()[1].tolist()),
            ]

        before = states()
        rows_of(training_batches(NoisyRows(), loader(), 0, CPU))
        assert states() == before
