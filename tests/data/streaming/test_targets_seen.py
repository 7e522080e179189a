"""The different rows of a stream's targets, which are kept to tell what they are."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.parquet_rows import STREAM, prepared, rows, write

from seedbed.errors import DataError
from seedbed.tables.text_seen import TargetsSeen

DRAWN = np.random.default_rng(0)
ROWS = 3000
GAPS = DRAWN.random(ROWS) < 0.1
COLUMNS: dict[str, Any] = {
    "whole": pa.array(DRAWN.integers(-5, 5, ROWS)),
    "gaps": pa.array(DRAWN.integers(0, 3, ROWS), mask=GAPS),
    "real": pa.array(np.where(GAPS, np.nan, DRAWN.choice([0.0, -0.0, 1.5, np.inf], ROWS))),
    "truth": pa.array(DRAWN.random(ROWS) < 0.5, mask=GAPS[::-1]),
    "text": pa.array([("no", "yes", None, "")[one] for one in DRAWN.integers(0, 4, ROWS)]),
    "coded": pa.array([f"{one % 7}" for one in range(ROWS)]).dictionary_encode(),
    "day": pa.array(DRAWN.integers(0, 9, ROWS).astype("datetime64[D]")),
    "many": pa.array(DRAWN.standard_normal(ROWS)),
    "none": pa.nulls(ROWS),
}


@pytest.mark.parametrize("names", [
    *([name] for name in COLUMNS),
    ["whole", "gaps"], ["real", "text", "truth"], ["coded", "day", "none"], ["many", "whole"],
], ids=",".join)  # fmt: skip
def test_different_rows_are_kept_in_the_order_that_they_come_first(names: list[str]) -> None:
    table = pa.table({name: COLUMNS[name] for name in names})
    seen = TargetsSeen(names)
    for start in range(0, ROWS, 700):
        part = table.slice(start, 700)
        seen.add({name: part.column(name).combine_chunks() for name in names})
    cells = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    kept = zip(*(seen.cells(name).to_pylist() for name in names), strict=True)
    assert [repr(row) for row in kept] == [*dict.fromkeys(repr(row) for row in cells)]


def test_a_stream_is_looked_at_without_pandas(tmp_path: Path) -> None:
    path = write(rows(), tmp_path / "rows.parquet")
    code = (
        "import sys\n"
        "from seedbed.compose.compose import composed\n"
        "from seedbed.data.streaming.prepare import prepare_stream\n"
        f"words = ['data=parquet', 'data.path={path}', 'data.stream=true']\n"
        "for target in ['y', 'k', '[y,a]']:\n"
        "    prepare_stream(composed([*words, f'data.target={target}']).config.data, 0)\n"
        "assert 'pandas' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("cells", [
    pa.array([[1, 2]] * 60),
    pa.array([{"a": 1}] * 60),
    pa.array([[("a", 1)]] * 60, pa.map_(pa.string(), pa.int32())),
    pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"u" * 16] * 60, pa.binary(16))),
], ids=lambda cells: str(cells.type))  # fmt: skip
@pytest.mark.parametrize("targets", ["[y]", "[y,x]"])
def test_a_target_of_a_type_that_holds_no_values_is_refused_as_in_memory(
    tmp_path: Path, cells: Any, targets: str
) -> None:
    x = pa.array(np.arange(60.0))
    path = write(pa.table({"a": x, "x": x, "y": cells}), tmp_path / "rows.parquet")
    told = []
    for words in ([], STREAM):
        with pytest.raises(DataError) as caught:
            prepared(path, *words, f"data.target={targets}", "data.drop=[]")
        told.append(str(caught.value))
    assert "column 'y' holds" in told[0]
    assert told[1] == told[0]
