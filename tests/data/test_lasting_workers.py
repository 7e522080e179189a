"""The workers of a DataLoader read every epoch and every split of a run, and end with it."""

import multiprocessing
import os
import random
import signal
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from support.loaders import loader_config
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from seedbed import train
from seedbed.data.batches import Batches, LoaderBatches
from seedbed.data.gathered import BatchSpec
from seedbed.data.row_loader import RowLoader, pinning_notes
from seedbed.errors import ConfigError, DataError, RunFailedError

CPU = torch.device("cpu")
STREAM = ["data=parquet", "data.path=none.parquet", "data.target=y", "data.stream=true"]
LASTING = {"workers": 2, "persistent_workers": None}


class Told(Dataset[tuple[Tensor, Tensor]]):
    """Rows that tell who read them, and what was drawn."""

    def __init__(self, rows: int = 11, worst: int = -1, killed: int = -1) -> None:
        self.rows, self.worst, self.killed = rows, worst, killed

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index == self.worst:
            raise DataError("the worst row")
        if index == self.killed and get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        drawn = torch.rand(()) + random.random()
        return torch.stack([drawn, torch.tensor(float(index))]), torch.tensor(os.getpid())


def splits(*rows: Told, **settings: object) -> tuple[RowLoader, list[Batches]]:
    loader = loader_config(2, **settings)  # type: ignore[arg-type]
    reader = RowLoader(loader, 0, CPU)
    return reader, [LoaderBatches(one, BatchSpec(loader, 0, CPU), reader) for one in rows]


def read(batches: Batches, epoch: int, start: int = 0) -> tuple[list[list[float]], set[int]]:
    """The rows, and which processes read them."""
    x, y = zip(*batches.epoch(epoch, start), strict=True)
    return torch.cat(x).tolist(), set(torch.cat(y).tolist())


def test_one_set_of_workers_reads_every_epoch_and_split() -> None:
    reader, (train_rows, validation) = splits(Told(), Told(7), **LASTING)
    _, (same_rows, same_validation) = splits(Told(), Told(7))
    asked = [(train_rows, same_rows, 0), (validation, same_validation, 0)]
    asked += [(train_rows, same_rows, 1), (validation, same_validation, 0)]
    readers = set()
    with reader.lasting():
        for here, alone, epoch in asked:
            rows, who = read(here, epoch)
            assert rows == read(alone, epoch)[0]
            readers |= who
        assert (len(readers), os.getpid() in readers) == (2, False)
    assert multiprocessing.active_children() == []


def test_new_workers_read_each_epoch_where_the_config_has_it_so() -> None:
    reader, (rows,) = splits(Told(), workers=2, persistent_workers=False)
    with reader.lasting():
        assert len(read(rows, 0)[1] | read(rows, 1)[1]) == 4
        assert multiprocessing.active_children() == []


class Drawing(Told):
    """Draws from a generator of its own, which goes on as long as its worker does."""

    def __init__(self) -> None:
        super().__init__()
        self.within = {"rng": [np.random.default_rng(1)]}

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x, y = super().__getitem__(index)
        return x + float(self.within["rng"][0].random()), y


def test_each_epoch_is_the_same_after_a_stop_where_rows_have_a_generator_of_their_own() -> None:
    reader, (rows,) = splits(Drawing(), **LASTING)
    with reader.lasting():
        whole = [read(rows, epoch)[0] for epoch in (0, 1)]
    with reader.lasting():
        assert read(rows, 1)[0] == whole[1]


def test_an_epoch_that_is_left_changes_no_other() -> None:
    reader, (rows, validation) = splits(Told(), Told(7), **LASTING)
    _, (same_rows, same_validation) = splits(Told(), Told(7))
    with reader.lasting():
        assert len([*islice(rows.epoch(0), 2)]) == 2
        assert read(validation, 0)[0] == read(same_validation, 0)[0]
        assert read(rows, 1, 3)[0] == read(same_rows, 1, 3)[0]


def test_two_splits_may_be_read_in_turns() -> None:
    reader, (rows, validation) = splits(Told(), Told(7), **LASTING)
    _, (same_rows, same_validation) = splits(Told(), Told(7))
    pairs = (rows, same_rows), (validation, same_validation)
    with reader.lasting():
        turns = [zip(a.epoch(0), b.epoch(0), strict=False) for a, b in pairs]
        for one, other in zip(*turns, strict=False):
            assert torch.equal(one[0][0], one[1][0])
            assert torch.equal(other[0][0], other[1][0])
    assert multiprocessing.active_children() == []


def test_workers_end_with_an_error_and_others_read_on() -> None:
    reader, (bad, good) = splits(Told(worst=4), Told(7), **LASTING)
    with reader.lasting():
        with pytest.raises(DataError, match=r"^the worst row$"):
            read(bad, 0)
        assert multiprocessing.active_children() == []
        assert len(read(good, 0)[0]) == 7
    assert multiprocessing.active_children() == []


def test_a_worker_that_is_killed_is_told_as_such() -> None:
    reader, (killed,) = splits(Told(12, killed=3), **LASTING)
    told = r"^loader\.num_workers=2: a process that reads rows was killed, .*; type seedbed resume"
    with reader.lasting(), pytest.raises(RunFailedError, match=told):
        read(killed, 0)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["persistent_workers=true"], r"persistent_workers=true needs worker processes; type load"),
        (["prefetch_factor=4"], r"prefetch_factor=4 needs worker processes; type loader.num_work"),
        (["prefetch_factor=0", "num_workers=1"], r"prefetch_factor must be .* got 0"),
        (["prefetch_factor=2", "num_workers=1", *STREAM], r"prefetch_factor=2 goes with a DataLoa"),
    ],
)
def test_what_torch_refuses_is_refused(tmp_path: Path, words: list[str], message: str) -> None:
    words = [one if one.startswith("data") else f"loader.{one}" for one in words]
    with pytest.raises(ConfigError, match=message):
        train(*words, directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_pinning_is_told_where_nothing_copies_from_it() -> None:
    told = pinning_notes(loader_config(pin_memory=True), CPU)
    assert told == ["loader.pin_memory=true changes nothing on cpu; cuda copies from it"]
    assert not pinning_notes(loader_config(pin_memory=True), torch.device("cuda"))
    assert not pinning_notes(loader_config(pin_memory=False), CPU)
