"""Values between Arrow and NumPy: the same as Arrow's own, without pandas."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.tables.arrow_values import floats, indices, places, texts

READ = """
import sys
from pathlib import Path
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.opened_file import opened
from seedbed.tables.text_form import TextForm
from seedbed.tables.training_table import first_table
import numpy as np
file = opened(Path(sys.argv[1]), "data.path", None)
table = first_table(file, file.names[:-1], file.names[-1:], ColumnTypes({}, TextForm()))
table.taken(np.array([2, 0]))
print(sorted(one.kind for one in table.columns.values()), "pandas" in sys.modules)
"""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.text(max_size=4)), st.sampled_from([pa.string(), pa.large_string()]))
def test_texts_are_those_of_arrow(values: list[str | None], kind: pa.DataType) -> None:
    made = texts(values, kind)
    made.validate(full=True)
    assert made.equals(pa.array(values, kind))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.none() | st.integers(0, 9), max_size=20), max_size=3), st.integers(0, 5)
)
def test_numbers_are_those_of_arrow(chunks: list[list[int | None]], start: int) -> None:
    for kind, read, gap in ((pa.float64(), floats, np.nan), (pa.int32(), indices, -1)):
        cells = pa.chunked_array([pa.array(one, kind) for one in chunks], kind).slice(start)
        expected = [gap if one is None else one for one in cells.to_pylist()]
        for form in (cells, cells.combine_chunks()):
            found = read(form)
            assert found.dtype == kind.to_pandas_dtype()
            np.testing.assert_array_equal(found, expected)


def test_places_are_rows() -> None:
    rows = np.array([3, 0, 0, 1])[::-1]
    assert pc.take(pa.array(["a", "b", "c", "d"]), places(rows)).to_pylist() == ["b", "a", "a", "d"]


def test_no_file_is_read_with_pandas(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    lines = [
        f"{n},{n if n % 5 else ''},{'ab'[n % 2]},{n % 2 == 0},2024-01-{n + 1:02},{n}"
        for n in range(9)
    ]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,d,e,y", *lines]) + "\n")
    words = [sys.executable, "-c", READ, str(tmp_path / "rows.csv")]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert told == "['boolean', 'category', 'number', 'number', 'number', 'number'] False\n"
