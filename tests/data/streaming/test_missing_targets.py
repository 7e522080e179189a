"""What is told of rows without a target is the same of a stream and of a table in memory.

Of several files a stream tells the one, too.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.composing import composed_quickly
from support.parquet_rows import write, write_parts

from seedbed.components import AllowList
from seedbed.errors import DataError
from seedbed.training.run_data import data_of

ROWS = 300_000
GAPS = np.zeros(ROWS, bool)
GAPS[[150_007, 150_009, 299_999]] = True
NUMBER = np.arange(ROWS)


def texts(missing: Any) -> Any:
    return pa.array(np.where(GAPS, missing, np.where(NUMBER % 3, "a", "b")))


TARGETS: dict[str, Any] = {
    "quantities": pa.array(NUMBER / 7, mask=GAPS),
    "not numbers": pa.array(np.where(GAPS, np.nan, NUMBER % 3)),
    "infinite": pa.array(np.where(GAPS, np.inf, NUMBER / 7)),
    "whole": pa.array(NUMBER % 3, mask=GAPS),
    "truths": pa.array(NUMBER % 2 == 0, mask=GAPS),
    "texts": pa.array(texts("").to_numpy(zero_copy_only=False), mask=GAPS),
    "empty texts": texts(""),
    "marks": texts("NA"),
    "coded": pa.array(texts("").to_numpy(zero_copy_only=False), mask=GAPS).dictionary_encode(),
    "numbers as text": pa.array((NUMBER % 7 / 2).astype(str), mask=GAPS),
    "moments": pa.array((NUMBER % 9).astype("datetime64[s]"), mask=GAPS),
}


def told(path: Path, *words: str) -> str:
    with pytest.raises(DataError) as seen:
        data_of(
            composed_quickly(["data=parquet", f"data.path={path}", *words]).config, AllowList([])
        )
    return str(seen.value)


@pytest.mark.parametrize("target", TARGETS)
def test_it_says_how_many_of_all_rows_and_which_is_the_first(tmp_path: Path, target: str) -> None:
    table = pa.table({"x": NUMBER * 1.0, "y": TARGETS[target]})
    path = write(table, tmp_path / "rows.parquet", group=60_000)
    of_stream = told(path, "data.target=y", "data.stream=true")
    assert of_stream == told(path, "data.target=y")
    assert "no usable value in 3 of 300000 rows, the first is row 150008" in of_stream


def test_one_of_several_targets_is_named(tmp_path: Path) -> None:
    table = pa.table({"x": NUMBER * 1.0, "y": NUMBER / 3, "z": TARGETS["quantities"]})
    path = write(table, tmp_path / "rows.parquet", group=60_000)
    told_of_stream = told(path, "data.target=[y,z]", "data.stream=true")
    assert told_of_stream == told(path, "data.target=[y,z]")
    assert "'z' of" in told_of_stream


@pytest.mark.parametrize("words", [[], ["data.task=multiclass"], ["data.split.stratify=false"]])
def test_a_file_of_a_folder_without_any_is_told(tmp_path: Path, words: list[str]) -> None:
    table = pa.table({"x": NUMBER[:60] * 1.0, "k": ["u", "v"] * 30})
    write_parts(table, tmp_path / "rows", [20, 20, 20])
    empty = pa.table({"x": NUMBER[:20] * 1.0, "k": pa.nulls(20)})
    write(empty, tmp_path / "rows" / "part-001.parquet")
    path = tmp_path / "rows"
    told_of_stream = told(path, "data.target=k", "data.stream=true", *words)
    assert "no usable value in 20 of 60 rows, the first is row 1 of part-001" in told_of_stream
    assert "no usable value in 20 of 60 rows, the first is row 21" in told(
        path, "data.target=k", *words
    )


@pytest.mark.parametrize("target", ["texts", "quantities", "truths"])
def test_a_file_of_other_rows_is_told_alike(tmp_path: Path, target: str) -> None:
    table = pa.table({"x": NUMBER * 1.0, "y": TARGETS[target]})
    path = write(table.slice(0, 60), tmp_path / "rows.parquet")
    other = write(table.slice(149_970, 60), tmp_path / "other.parquet", group=25)
    words = ["data.target=y", f"data.validation_path={other}", "data.split.test=0"]
    of_stream = told(path, *words, "data.stream=true")
    assert of_stream == told(path, *words)
    assert "no usable value in 2 of 60 rows, the first is row 38" in of_stream
