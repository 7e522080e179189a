"""Which rows train, which validate, which test."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.houses import prepared_data, write_csv

from seedbed.config.schema import Split
from seedbed.data.splits import split_rows
from seedbed.errors import DataError

PLAIN: dict[str, Any] = {"seed": None, "by": None, "time": None}
CLASSES = ["a"] * 60 + ["b"] * 30 + ["c"] * 10


def as_lists(splits: dict[str, Any]) -> list[list[int]]:
    return [rows.tolist() for rows in splits.values()]


@settings(deadline=None)
@given(
    rows=st.integers(20, 300),
    seed=st.integers(0, 2**63 - 1),
    validation=st.floats(0.05, 0.4),
    test=st.floats(0.05, 0.4),
)
def test_every_row_is_in_exactly_one_split(
    rows: int, seed: int, validation: float, test: float
) -> None:
    splits = split_rows(Split(validation, test, stratify=False, **PLAIN), seed, rows)
    assert sorted(np.concatenate([*splits.values()]).tolist()) == list(range(rows))
    assert abs(len(splits["validation"]) - rows * validation) <= 0.5
    assert abs(len(splits["test"]) - rows * test) <= 0.5


@pytest.mark.parametrize("seed", range(5))
def test_stratified_splits_keep_the_fractions_of_the_classes(seed: int) -> None:
    splits = split_rows(Split(0.1, 0.2, stratify=True, **PLAIN), seed, 100, CLASSES)
    counts = [Counter(CLASSES[row] for row in part) for part in splits.values()]
    assert counts == [
        {"a": 42, "b": 21, "c": 7},
        {"a": 6, "b": 3, "c": 1},
        {"a": 12, "b": 6, "c": 2},
    ]
    assert sorted(np.concatenate([*splits.values()]).tolist()) == list(range(100))


def test_without_stratify_the_fractions_are_left_to_chance() -> None:
    split = Split(0.1, 0.2, stratify=False, **PLAIN)
    tested = [split_rows(split, seed, 100, CLASSES)["test"] for seed in range(20)]
    assert len({sum(CLASSES[row] == "c" for row in rows) for rows in tested}) > 1


def test_the_splits_are_a_pure_function_of_the_seed() -> None:
    split = Split(0.1, 0.2, stratify=True, **PLAIN)
    first = as_lists(split_rows(split, 3, 100, CLASSES))
    torch.rand(5)
    np.random.default_rng().random(5)
    assert as_lists(split_rows(split, 3, 100, CLASSES)) == first
    assert as_lists(split_rows(split, 4, 100, CLASSES)) != first


def test_without_fractions_all_rows_train_in_their_order() -> None:
    splits = split_rows(Split(0, 0, stratify=True, **PLAIN), 0, 10, ["a"] * 10)
    assert as_lists(splits) == [list(range(10)), [], []]


def test_a_split_that_would_be_empty_is_refused() -> None:
    with pytest.raises(DataError, match=r"leaves no validation rows of 4 .*give a part more"):
        split_rows(Split(0.1, 0, stratify=False, **PLAIN), 0, 4)


class TestFilesOfTheirOwn:
    @pytest.fixture
    def words(self, tmp_path: Path) -> list[str]:
        for name, start in (("train", 0), ("validation", 100), ("test", 200)):
            rows = {"x": range(start, start + 10), "y": range(10)}
            write_csv(tmp_path / f"{name}.csv", rows)
        path = tmp_path / "train.csv"
        return ["data=csv", f"data.path={path}", "data.target=y", "data.standardize=false"]

    def test_take_the_place_of_the_split(self, tmp_path: Path, words: list[str]) -> None:
        files = [f"data.{part}_path={tmp_path / part}.csv" for part in ("validation", "test")]
        data = prepared_data(*words, *files)
        starts = {"train": 0, "validation": 100, "test": 200}
        for part, start in starts.items():
            x = getattr(data, part).tensors[0][:, 0]
            assert x.tolist() == list(range(start, start + 10))

    def test_leave_the_other_split_to_the_fractions(self, tmp_path: Path, words: list[str]) -> None:
        data = prepared_data(*words, f"data.test_path={tmp_path / 'test.csv'}")
        assert data.fingerprint["rows"] == {"train": 9, "validation": 1, "test": 10}
