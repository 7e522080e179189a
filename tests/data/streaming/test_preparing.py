"""What is fitted on streamed rows is what is fitted on the same rows in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from support.parquet_rows import STREAM, prepared, rows, write, write_parts

from seedbed.config.schema import Split
from seedbed.data.splits import split_rows
from seedbed.data.streaming.fitting import Fitting
from seedbed.data.streaming.moments import AT_ONCE, Moments
from seedbed.data.streaming.split_rule import SPLITS, split_rule
from seedbed.errors import ConfigError, DataError

SIZES = [120, 1, 250, 129]


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("forms")
    table = rows()
    return {
        "one": write(table, folder / "one.parquet"),
        "tiny groups": write(table, folder / "tiny.parquet", group=7),
        "parts": write_parts(table, folder / "parts", SIZES),
        "other parts": write_parts(table, folder / "others", [499, 1], group=33),
    }


@pytest.mark.parametrize("target", ["y", "k"])
@pytest.mark.parametrize("form", ["one", "tiny groups", "parts", "other parts"])
def test_preprocessing_and_splits_are_those_of_memory(
    forms: dict[str, Path], form: str, target: str
) -> None:
    memory = prepared(forms["one"], target=target)
    stream = prepared(forms[form], *STREAM, target=target)
    assert stream.preprocessing == memory.preprocessing
    for split in SPLITS:
        own, other = getattr(stream, split), getattr(memory, split).tensors
        read = [torch.stack(part) for part in zip(*(own[i] for i in range(len(own))), strict=True)]
        assert torch.equal(read[0], other[0])
        assert torch.equal(read[1], other[1])


@pytest.mark.parametrize("words", [
    ["data.split.test=0", "data.split.validation=0"],
    ["data.split.stratify=false", "data.split.seed=5"],
    ["data.standardize=false"],
    ["data.categories=[b,d]", "data.max_categories=400"],
    ["data.target=[y,a]", "data.features=[b,c,e]", "data.drop=[]"],
    ["data.target=null", "data.task=reconstruction", "data.drop=[k]"],
    ["data.target=[e]", "data.task=multilabel"],
], ids=lambda words: words[0])  # fmt: skip
def test_preprocessing_is_that_of_memory_whatever_the_config(
    forms: dict[str, Path], words: list[str]
) -> None:
    memory, stream = prepared(forms["one"], *words), prepared(forms["parts"], *STREAM, *words)
    assert stream.preprocessing == memory.preprocessing
    assert stream.fingerprint["rows"] == memory.fingerprint["rows"]


def test_notes_are_those_of_memory(tmp_path: Path) -> None:
    table = rows(60).append_column("same", pa.array([1.5] * 60))
    names = ["odd" if one == 13 else "x" for one in range(60)]
    table = table.append_column("f", pa.array(names))
    path = write(table, tmp_path / "one.parquet")
    words = ("data.split.seed=3", "data.split.validation=0.4")
    memory, stream = prepared(path, *words), prepared(path, *STREAM, *words)
    assert set(stream.notes) == set(memory.notes)


def test_notes_on_whole_numbers_are_those_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [20240101 + one // 15 for one in range(60)]
    columns = {
        "made": pa.array(days),
        "later": pa.array([None] * 20 + days[20:], pa.float64()),
        "two": pa.array([20240101 + one % 2 for one in range(60)]),
        "slip": pa.array([*days[1:], 20241301]),
        "id": pa.array([1] * 59 + [2**53 + 1]),
        "below": pa.array([2**53 - 1] * 60),
    }
    table = rows(60)
    for name, cells in columns.items():
        table = table.append_column(name, cells)
    path = write(table, tmp_path / "one.parquet", group=10)
    monkeypatch.setattr("seedbed.data.streaming.prepare.LEAST_AT_ONCE", 10)
    monkeypatch.setattr("seedbed.data.streaming.prepare.MOST_AT_ONCE", 10)
    memory, stream = prepared(path), prepared(path, *STREAM)
    assert set(stream.notes) == set(memory.notes)
    told = [one for one in stream.notes if "it is read as numbers" in one]
    assert [one.split("'")[1] for one in told] == ["t", "made", "later", "id"]


def test_means_of_many_rows_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).standard_normal((3, 5 * AT_ONCE // 2)) * 7 + 1e4
    values[1, ::13] = np.nan
    moments = Moments(axis=1)
    for part in np.array_split(values, 41, axis=1):
        moments.add(part)
    moments.finish()
    assert np.allclose(moments.mean, np.nanmean(values, axis=1), rtol=1e-13)
    assert np.allclose(moments.deviation, np.nanstd(values, axis=1), rtol=1e-12)
    again = Moments(axis=1)
    again.add(values)
    again.finish()
    assert moments.mean.tolist() == again.mean.tolist()
    assert moments.deviation.tolist() == again.deviation.tolist()


def measured_side_by_side(values: Any) -> tuple[Any, ...]:
    """Count, mean and squares of columns in one array, by NumPy's words for it."""
    missing = np.isnan(values)
    count = (~missing).sum(axis=1)
    mean = np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), 0.0)
    if not missing.any():
        mean = values.mean(axis=1)
    apart = np.where(missing, 0.0, values - mean[:, None])
    return count, mean, (apart * apart).sum(axis=1)


@pytest.mark.parametrize("rows", [1, 7, 511, AT_ONCE - 1, AT_ONCE, 3 * AT_ONCE + 12_345])
@pytest.mark.parametrize("gaps", [0, 1e-5, 0.3, 1])
def test_columns_one_by_one_are_measured_as_side_by_side_to_the_bit(rows: int, gaps: float) -> None:
    drawn = np.random.default_rng(rows)
    values = drawn.standard_normal((5, rows)) * [[1], [1e-9], [1e30], [7], [0]] + [
        *([0], [1e4], [-1e29], [0.1], [3.7])
    ]
    values[:3][drawn.random((3, rows)) < gaps] = np.nan
    count, mean, squares = (np.zeros(5) for _ in range(3))
    for start in range(0, rows, AT_ONCE):
        of, mean_of, squares_of = measured_side_by_side(values[:, start : start + AT_ONCE])
        if not start:
            count, mean, squares = of, mean_of, squares_of
            continue
        share, apart = of / np.maximum(count + of, 1), mean_of - mean
        mean = mean + apart * share
        squares = squares + squares_of + apart * apart * count * share
        count = count + of
    moments = Moments(axis=1)
    for part in np.array_split(values, min(rows, 9), axis=1):
        moments.add([*part])
    moments.finish()
    low, high = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
    deviation = np.where(high > low, np.sqrt(squares / np.maximum(count, 1)), 1.0)
    assert moments.count.tolist() == count.tolist()
    assert moments.mean.tolist() == mean.tolist()
    assert moments.deviation.tolist() == deviation.tolist()
    assert np.array_equal([moments.low, moments.high], [low, high], equal_nan=True) or gaps == 1
    assert moments.gaps.tolist() == np.isnan(values).any(axis=1).tolist()


@pytest.mark.parametrize("count", [100, 1000, 70_001])
@pytest.mark.parametrize("classes", [1, 3, 40])
def test_each_row_is_in_the_split_that_it_is_in_memory(count: int, classes: int) -> None:
    codes = np.random.default_rng(count).integers(0, classes, count).astype(np.uint16)
    classes = min(classes, count // 5)
    split = Split(0.2, 0.3, True, None, by=None, time=None)
    expected = split_rows(split, 4, count, codes if classes > 1 else None)
    rule = split_rule(split, 4, count, codes if classes > 1 else None, classes)
    found = np.concatenate([rule.of(at, min(count, at + 999)) for at in range(0, count, 999)])
    for number, name in enumerate(SPLITS):
        assert np.flatnonzero(found == number).tolist() == expected[name].tolist()
        assert rule.counts[number] == len(expected[name])


def test_a_split_without_rows_is_refused_as_in_memory(tmp_path: Path) -> None:
    path = write(rows(3), tmp_path / "few.parquet")
    with pytest.raises(DataError, match=r"data.split leaves no validation rows of 3"):
        prepared(path, *STREAM)


@pytest.mark.parametrize("comes", [True, False])
def test_a_file_that_comes_or_goes_while_others_are_looked_at_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comes: bool
) -> None:
    folder, other = write_parts(rows(), tmp_path / "parts", SIZES), tmp_path / "parts" / "z.parquet"
    if not comes:
        write(rows(), other)

    def measured(self: Fitting) -> Any:
        write(rows(), other) if comes else other.unlink()
        return preprocessing(self)

    preprocessing = Fitting.preprocessing
    monkeypatch.setattr(Fitting, "preprocessing", measured)
    words = "came while the run read the others" if comes else "was taken away while"
    with pytest.raises(DataError, match=rf"data.path: '{other}' {words}"):
        prepared(folder, *STREAM)


def test_rows_of_other_files_validate(forms: dict[str, Path], tmp_path: Path) -> None:
    other = write_parts(rows(80, seed=9), tmp_path / "val", [50, 30])
    words = [f"data.validation_path={other}", "data.split.test=0"]
    memory, stream = prepared(forms["one"], *words), prepared(forms["parts"], *STREAM, *words)
    assert stream.preprocessing == memory.preprocessing
    assert torch.equal(stream.validation[79][0], memory.validation[79][0])
    assert set(stream.notes) == {one.replace("one.parquet", "4 files of "
                                 f"'{forms['parts']}'") for one in memory.notes}  # fmt: skip


LATER = "of part-003.parquet from its row 65 on"
SLIPS = {
    "a text in numbers": ("t", "oops", "holds numbers, but row 80 of part-003.parquet holds"),
    "an infinite number": ("a", float("inf"), rf"'a' {LATER} holds an infinite number \(row 16\)"),
    "no target": (
        "y",
        None,
        r"no usable value in 1 of 500 rows, the first is row 80 of part-003\.parquet",
    ),
}


@pytest.mark.parametrize(("column", "value", "said"), SLIPS.values(), ids=SLIPS.keys())
def test_a_wrong_cell_is_named_by_its_file_and_row(
    tmp_path: Path, column: str, value: object, said: str
) -> None:
    table = rows()
    cells = table.column(column).to_pylist()
    cells[450] = value
    table = table.set_column(table.schema.get_field_index(column), column, pa.array(cells))
    path = write_parts(table, tmp_path / "parts", SIZES)
    with pytest.raises(DataError, match=said):
        prepared(path, *STREAM)


def test_a_row_group_beyond_the_memory_is_refused(tmp_path: Path) -> None:
    count = 400_000
    table = pa.table(
        {"a": np.arange(count) / 3.0, "y": np.arange(count) % 7 + 0.5, "k": [1] * count}
    )
    path = write(table, tmp_path / "one.parquet", group=count)
    with pytest.raises(
        DataError, match=r"a row group of one.parquet has 400000; type data.memory="
    ):
        prepared(path, *STREAM, "data.split.test=0", "data.split.validation=0")


def test_less_memory_than_anything_takes_is_refused(forms: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"data.memory must be 10 MB or more, got 1 KB"):
        prepared(forms["one"], "data.stream=true", "data.memory=1 KB")


@pytest.mark.parametrize(
    "key", ["data.folds=3", "data.split.by=c", "data.split.time=day", "data.weight=d"]
)
def test_what_needs_all_rows_at_once_is_refused(forms: dict[str, Path], key: str) -> None:
    words = [key, *(["data.fold=0"] if "folds" in key else [])]
    with pytest.raises(ConfigError, match=rf"{key} .* and data.stream=true reads them in"):
        prepared(forms["one"], *STREAM, *words)
