"""Rows are put into groups by what they have in one column of a file."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from seedbed.data.row_groups import groups_of
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.opened_file import opened
from seedbed.tables.text_form import TextForm

LARGE = 2**53


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_integers_that_floats_do_not_tell_apart_make_groups_of_their_own(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"rows.{ending}"
    table = pa.table({"id": pa.array([LARGE + 1, 7, LARGE, None, LARGE + 1]), "x": [0.5] * 5})
    write: Any = {"parquet": pa.parquet.write_table, "csv": pa.csv.write_csv}[ending]
    write(table, path)
    run: Any = SimpleNamespace(types=ColumnTypes({"id": "number"}, TextForm()))
    groups = groups_of(opened(path, "--file", None), "id", run, "--by")
    assert groups.names == ["7", str(LARGE), str(LARGE + 1), None]
    assert groups.numbers.tolist() == [2, 0, 1, 3, 2]
