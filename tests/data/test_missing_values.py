"""A value that is missing where no training row misses one is told, wherever rows are measured."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from support.command_line import Command
from support.houses import prepared_data

from seedbed.data.json_rows import rows_from_json
from seedbed.data.new_rows import opened_rows, rows_from_file
from seedbed.data.prepared import PreparedData
from seedbed.data.preprocessing import Preprocessing

COMPLETE = "where every training row has one; the mean of the training rows takes its place"
TRAIN = "a,b,ok,day,y\n" + "".join(
    f"{n},{'' if n == 3 else n},{n % 2 == 0},2024-01-{n + 1:02},{n}.5\n" for n in range(20)
)


@pytest.fixture
def data(tmp_path: Path) -> PreparedData:
    (tmp_path / "train.csv").write_text(TRAIN)
    words = ["data=csv", f"data.path={tmp_path / 'train.csv'}", "data.target=y"]
    return prepared_data(*words, "data.split={validation: 0, test: 0}")


def test_is_the_mean_and_one_note_counts_the_rows(data: PreparedData, tmp_path: Path) -> None:
    lines = ["a,b,ok,day", "1,2,true,2024-01-01", ",,true,2024-01-01", ",1,,NA", "1,,true,"]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    rows = rows_from_file(opened_rows(tmp_path / "new.csv", {}), data.preprocessing)
    assert rows.notes == [f"3 of 4 rows of new.csv have no value in 'a', 'ok', 'day', {COMPLETE}"]
    assert rows.inputs[1, 0] == 0  # the mean, standardized
    json_rows = [[1, 2, True, "2024-01-01"], [None, None, True, "2024-01-01"]]
    (note,) = rows_from_json(json_rows, data.preprocessing).notes
    assert note == f"1 of 2 rows of --input have no value in 'a', {COMPLETE}"
    gaps = {"a": [None, 1.5], "b": [1, 2], "ok": [True, None], "day": ["2024-01-01", None]}
    pa.parquet.write_table(pa.table(gaps), tmp_path / "new.parquet")
    rows = rows_from_file(opened_rows(tmp_path / "new.parquet", {}), data.preprocessing)
    assert len(rows.notes) == 1
    assert rows.notes[0].startswith("2 of 2 rows of new.parquet have no value in 'a', 'ok', 'day'")


def test_is_nothing_new_where_training_misses_one_too(data: PreparedData) -> None:
    assert rows_from_json([[1, None, True, "2024-01-01"]], data.preprocessing).notes == []


def test_runs_that_do_not_tell_are_read(data: PreparedData) -> None:
    plain = data.preprocessing.to_json()
    for feature in plain["features"]:
        del feature["gaps"]
    before = Preprocessing.from_json(plain)
    assert rows_from_json([[None, None, None, None]], before).notes == []


@pytest.mark.parametrize("part", ["validation", "test"])
def test_is_reported_of_held_out_files(tmp_path: Path, part: str) -> None:
    (tmp_path / "train.csv").write_text("a,y\n" + "".join(f"{n},{n}\n" for n in range(9)))
    (tmp_path / "other.csv").write_text("a,y\n1,1\n,2\n3,3\n")
    words = ["data=csv", f"data.path={tmp_path / 'train.csv'}", "data.target=y"]
    other = f"data.{part}_path={tmp_path / 'other.csv'}"
    data = prepared_data(*words, other, "data.split={validation: 0, test: 0}")
    assert list(data.notes) == [f"1 of 3 {part} rows have no value in 'a', {COMPLETE}"]


def test_is_reported_of_held_out_rows_of_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,y\n,1,0\n" + "".join(f"{n},1,{n}\n" for n in range(1, 30)))
    words = ["data=csv", f"data.path={tmp_path / 't.csv'}", "data.target=y"]
    told = []
    for seed in range(8):
        data = prepared_data(*words, seed=seed)
        told.append(any("no value in" in note for note in data.notes))
        assert data.preprocessing.features[0].gaps is not told[-1]  # it is in one of the parts
    assert any(told)
    assert not all(told)


def test_predict_says_it_of_rows_in_the_yaml(seedbed: Command) -> None:
    run = seedbed("train", "trainer=quick").run
    result = seedbed("predict", run, "--input", "[[NaN, 2]]")
    assert result.code == 0
    assert f"note: 1 of 1 rows of --input have no value in 'x1', {COMPLETE}" in (
        result.out + result.err
    )
    told = json.loads((run / "preprocessing.json").read_text())
    assert [one["gaps"] for one in told["features"]] == [False, False]


def test_is_reported_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.random.rand(20, 2, 3), y=np.arange(20.0))
    words = ["data=npz", f"data.path={tmp_path / 't.npz'}", "data.features=[x]", "data.target=y"]
    data = prepared_data(*words)
    gap = np.ones((2, 2, 3))
    gap[1, 0, 0] = np.nan
    (note,) = rows_from_json(gap.tolist(), data.preprocessing).notes
    assert note == f"1 of 2 rows of --input have no value in 'x', {COMPLETE}"


@pytest.mark.parametrize("gap", ["", "4"])
def test_a_number_that_stands_for_a_missing_value_is_one(tmp_path: Path, gap: str) -> None:
    numbers = ["1", "2", "999", " 999 ", "5", gap, "7", "8"]
    lines = [f"{one},{row}.5" for row, one in enumerate(numbers)]
    (tmp_path / "train.csv").write_text("\n".join(["a,y", *lines]) + "\n")
    words = ["data=csv", f"data.path={tmp_path / 'train.csv'}", "data.target=y"]
    data = prepared_data(*words, "data.split={validation: 0, test: 0}", "data.missing=[999]")
    (feature,) = data.preprocessing.features
    expected = [float(one) for one in numbers if one.strip() not in ("999", "")]
    assert feature.mean == np.mean(expected)
    assert feature.gaps
