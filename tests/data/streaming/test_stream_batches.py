"""Streamed batches: each row once, in an order that (seed, epoch) gives, whatever the files are."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.loaders import loader_config
from support.parquet_rows import STREAM, prepared, write, write_parts

from seedbed.config.schema import LoaderConfig
from seedbed.data.batches import evaluation_batches, training_batches
from seedbed.data.streaming import batches as batches_module
from seedbed.data.streaming.blocks import block_edges, mixes
from seedbed.data.streaming.rows import StreamedRows
from seedbed.errors import ConfigError, DataError

CPU = torch.device("cpu")
ROWS = 700
WORDS = (*STREAM, "data.standardize=false", "data.task=regression")


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Rows whose target is their number."""
    folder = tmp_path_factory.mktemp("forms")
    number = np.arange(ROWS)
    table = pa.table({"x": number % 13 / 3, "y": number * 1.0, "k": number % 2})
    return {
        "one": write(table, folder / "one.parquet", group=5),
        "parts": write_parts(table, folder / "parts", [333, 2, 365], group=3),
    }


@pytest.fixture(autouse=True)
def _little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an epoch has several mixes of several blocks."""
    monkeypatch.setattr(batches_module, "capacity", lambda memory, row_bytes: 160)
    monkeypatch.setattr("seedbed.data.streaming.prepare.capacity", lambda memory, row_bytes: 320)


def loader(
    size: int = 32, *, shuffle: bool = True, workers: int = 0, drop: bool = False
) -> LoaderConfig:
    return loader_config(size, shuffle=shuffle, workers=workers, drop_last=drop)


def numbers(path: Path, settings: LoaderConfig, epoch: int = 0, start: int = 0) -> list[list[int]]:
    data = prepared(path, *WORDS)
    found = training_batches(data.train, settings, 3, CPU)
    return [y[:, 0].int().tolist() for _, y in found.epoch(epoch, start)]


@pytest.mark.parametrize("size", [1, 32, 100])
def test_every_training_row_comes_once_an_epoch(forms: dict[str, Path], size: int) -> None:
    own = {int(y) for _, y in prepared(forms["one"], *WORDS).train}
    for epoch in (0, 1):
        batches = numbers(forms["one"], loader(size), epoch)
        seen = [number for batch in batches for number in batch]
        assert sorted(seen) == sorted(own)
        assert {len(batch) for batch in batches[:-1]} == {size}
    assert numbers(forms["one"], loader(size), 0) != numbers(forms["one"], loader(size), 1)


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("form", ["one", "parts"])
def test_the_order_is_the_same_in_other_files_and_with_any_readers(
    forms: dict[str, Path], form: str, workers: int
) -> None:
    for shuffle in (True, False):
        expected = numbers(forms["one"], loader(shuffle=shuffle), 2)
        assert numbers(forms[form], loader(shuffle=shuffle, workers=workers), 2) == expected


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("shuffle", [True, False])
def test_an_epoch_goes_on_from_any_batch(
    forms: dict[str, Path], *, shuffle: bool, workers: int
) -> None:
    whole = numbers(forms["parts"], loader(50, shuffle=shuffle), 1)
    for start in range(len(whole) + 1):
        settings = loader(50, shuffle=shuffle, workers=workers)
        assert numbers(forms["parts"], settings, 1, start) == whole[start:]


def test_the_last_batch_is_dropped_where_that_is_asked(forms: dict[str, Path]) -> None:
    batches = numbers(forms["one"], loader(64, drop=True))
    assert {len(batch) for batch in batches} == {64}
    with pytest.raises(DataError, match=r"loader.drop_last=true leaves no batch"):
        training_batches(prepared(forms["one"], *WORDS).train, loader(999, drop=True), 3, CPU)


def test_a_batch_is_the_models_own(forms: dict[str, Path]) -> None:
    data = prepared(forms["one"], *WORDS)
    for batches in (
        training_batches(data.train, loader(), 3, CPU),
        evaluation_batches(data.validation, loader(), 3, CPU),
    ):
        expected = [y.clone() for _, y in batches.epoch(0)]
        for x, y in batches.epoch(0):
            x.zero_()
            y.zero_()
        assert all(map(torch.equal, (y for _, y in batches.epoch(0)), expected))


@pytest.mark.parametrize("size", [None, 161])
def test_a_batch_beyond_the_memory_is_refused(forms: dict[str, Path], size: int | None) -> None:
    with pytest.raises(ConfigError, match=r"loader.batch_size=(null|161)"):
        numbers(forms["one"], loader_config(size))


@pytest.mark.parametrize("group", [1, 7, 50, 64])
@pytest.mark.parametrize("rows", [1, 20, 30, 300])
def test_blocks_hold_every_row_once(group: int, rows: int) -> None:
    edges = block_edges([*range(0, 64, group), 64], rows)
    assert edges[0] == 0
    assert edges[-1] == 64
    assert all(before < after for before, after in pairwise(edges))
    if group * 4 <= rows:
        assert edges == [*range(0, 64, rows), 64]


def test_mixes_hold_every_block_once_and_are_about_as_large() -> None:
    counts = [10, 0, 7, 10, 3, 10, 10, 10]
    found = mixes(counts, 25, [3, 1, 0, 2, 7, 6, 5, 4])
    assert sorted(block for mix in found for block in mix.blocks) == list(range(8))
    assert sum(mix.rows for mix in found) == sum(counts)
    assert max(mix.rows for mix in found) <= 25


def test_rows_in_the_order_of_their_target_are_mixed(forms: dict[str, Path]) -> None:
    batches = numbers(forms["one"], loader(32), 0)
    means = np.array([np.mean(batch) for batch in batches[:-1]])
    as_they_lie = numbers(forms["one"], loader(shuffle=False))
    in_order = np.array([np.mean(batch) for batch in as_they_lie[:-1]])
    assert means.std() < 0.5 * in_order.std()


@pytest.mark.parametrize("workers", [0, 2])
def test_memory_is_used_again_once_nobody_holds_rows_of_it(
    forms: dict[str, Path], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    empty = StreamedRows.empty
    monkeypatch.setattr(StreamedRows, "empty", lambda self, n: made.append(n) or empty(self, n))
    data = prepared(forms["one"], *WORDS).train
    batches = training_batches(data, loader(workers=workers), 3, CPU)
    held = [*batches.epoch(0)]
    assert len(made) == len(batches.mixes(0)) > 3  # type: ignore[attr-defined]
    seen = [y[:, 0].int().tolist() for epoch in (1, 2) for _, y in batches.epoch(epoch)]
    assert [y[:, 0].int().tolist() for _, y in held] == numbers(forms["one"], loader(), 0)
    assert seen == [one for n in (1, 2) for one in numbers(forms["one"], loader(), n)]
    del held, made[:]
    assert sum(len(y) for _, y in batches.epoch(3)) == len(data)
    assert made == []


@given(
    pieces=st.lists(st.integers(0, 40), max_size=8),
    size=st.integers(1, 25),
    left=st.integers(0, 99),
)
def test_batches_are_those_of_all_rows_whatever_pieces_they_come_in(
    pieces: list[int], size: int, left: int
) -> None:
    x = torch.arange(float(sum(pieces)))
    most = max(0, len(x) - left)
    rows = zip(x.split(pieces), (-x).split(pieces), strict=True)
    found = [*batches_module._batches(iter(rows), size, most)]
    assert [one.tolist() for one, _ in found] == [
        one.tolist() for one in x[:most].split(size) if len(one)
    ]
    assert all(torch.equal(y, -x) for x, y in found)
