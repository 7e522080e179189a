"""Files without rows, targets of one value, and numbers with a mark of code are not passed over."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from support.houses import prepared_data

from seedbed.errors import DataError

TRAIN = "a,y\n" + "".join(f"{n},{n}.5\n" for n in range(30))


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("ending", ["csv", "parquet", "npz"])
def test_a_file_without_rows_is_refused(tmp_path: Path, part: str, ending: str) -> None:
    train, other = tmp_path / f"train.{ending}", tmp_path / f"other.{ending}"
    columns = {"a": np.arange(30.0), "y": np.arange(30.0)}
    empty = {name: cells[:0] for name, cells in columns.items()}
    if ending == "csv":
        train.write_text(TRAIN)
        other.write_text("a,y\n")
    elif ending == "npz":
        np.savez(train, **columns)
        np.savez(other, **empty)
    else:
        pa.parquet.write_table(pa.table(columns), train)
        pa.parquet.write_table(pa.table(empty), other)
    words = [f"data={ending}", f"data.path={train}", "data.target=y", "data.features=[a]"]
    with pytest.raises(DataError, match=rf"data.{part}_path: '.*other.{ending}' has no rows"):
        prepared_data(*words, f"data.{part}_path={other}")


def test_a_target_of_one_value_is_reported(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{n},1\n" for n in range(30)))
    data = prepared_data("data=csv", f"data.path={tmp_path / 't.csv'}", "data.target=y")
    assert list(data.notes) == ["data.target: 'y' of t.csv has one value in all training rows"]


def test_thousands_may_have_the_mark_of_code(tmp_path: Path) -> None:
    cells = ["1_000", "25_000", "7"]
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{cells[n % 3]},{n}.5\n" for n in range(30)))
    words = ["data=csv", f"data.path={path}", "data.target=y", "data.standardize=false"]
    with pytest.raises(DataError, match=r'data\.thousands="_"'):
        prepared_data(*words)
    data = prepared_data(*words, 'data.thousands="_"', "data.split={validation: 0, test: 0}")
    assert data.train.tensors[0][:3, 0].tolist() == [1000, 25000, 7]
