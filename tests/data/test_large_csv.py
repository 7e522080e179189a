"""A large CSV is read by blocks, and nothing but the memory tells."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seedbed.errors import DataError
from seedbed.tables import csv_file, text_content
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.csv_blocks import blocks
from seedbed.tables.csv_file import CsvFile
from seedbed.tables.csv_records import Records
from seedbed.tables.text_form import TextForm
from seedbed.tables.training_table import first_table

CELLS = (
    *("1", "2.5", " 3 ", "007", "", "", "nan", "NA", "-1e3", "9007199254740993", "1,5", "1e400"),
    *("a", "true", "2024-01-31", "20240131", "31.01.2024", 'say "x"', "two\nlines", "é", "+1"),
)


@pytest.fixture(scope="module")
def by_blocks() -> Any:
    """Every file is a large one, of many blocks."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text_content, "BEGINNING", 16)
        patched.setattr(csv_file, "BATCH_BYTES", 90)
        patched.setattr(csv_file, "BLOCK_BYTES", 50)
        yield lambda large: patched.setattr(text_content, "LARGE", 1 if large else 2**40)


@st.composite
def columns(draw: st.DrawFn) -> list[list[str]]:
    """Rows of cells, of columns that are mostly of one kind, and change it late."""
    rows = draw(st.integers(1, 40))
    made = []
    for _ in range(draw(st.integers(2, 4))):
        most = draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=3))
        column = [most[row % len(most)] for row in range(rows)]
        for _ in range(draw(st.integers(0, 2))):
            column[draw(st.integers(0, rows - 1))] = draw(st.sampled_from(CELLS))
        made.append(column)
    return [list(row) for row in zip(*made, strict=True)]


def text_of(rows: Sequence[Sequence[str]], end: str) -> str:
    """A CSV with quotes where they must be."""
    header = [f"c{number}" for number in range(len(rows[0]))]
    quoted = [
        [f'"{one.replace(chr(34), chr(34) * 2)}"' if set(one) & set(',"\n') else one for one in row]
        for row in [header, *rows]
    ]
    return end.join(",".join(row) for row in quoted) + end


def told(path: Path, missing: list[str] | None) -> Any:
    """All that is known of a table, or its error."""
    try:
        file = CsvFile(path, "data.path", None, "utf-8")
        types = ColumnTypes({}, TextForm(missing=missing))
        table = first_table(file, file.names[:-1], file.names[-1:], types)
    except DataError as err:
        return str(err)
    columns = {
        name: (one.kind, one.values.tobytes(), one.different, one.names().to_list())
        for name, one in table.columns.items()
    }
    return columns, table.notes, table.text


@settings(max_examples=150, deadline=None)
@given(columns(), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from([None, ["a", "2.5"]]))
@example([["1", "1"]] * 60 + [["x", "1"]], "\n", None)
@example([["", "1"]] * 60 + [["x", "1"]] * 70, "\n", None)
@example([["007", "1"]] * 60 + [["1", "1"]], "\n", None)
@example([["1", "1"]] * 60 + [["007", "1"]], "\n", None)
@example([["1", "1"]] * 60 + [["1", "1", "1"]], "\n", None)
def test_a_table_is_the_same_by_blocks(
    by_blocks: Any,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    end: str,
    missing: list[str] | None,
) -> None:
    path = tmp_path_factory.getbasetemp() / "large.csv"
    path.write_bytes(text_of(rows, end).encode())
    by_blocks(False)
    whole = told(path, missing)
    by_blocks(True)
    assert told(path, missing) == whole


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('ab1,"\r\n é'), max_size=60), st.integers(1, 9))
@example('a,"b\n\n""c"\r\n\r\n1,2\r3', 1)
@example("a,b\r\n\r\n1,2\r\n", 4)
def test_blocks_hold_every_byte_and_the_records(text: str, size: int) -> None:
    content = text.encode()
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    parts = list(blocks(pieces, ","))
    assert b"".join(one.content for one in parts) == content
    starts = np.cumsum([0, *(len(one.content) for one in parts)])
    found = [start + end for start, one in zip(starts, parts, strict=False) for end in one.ends]
    whole = Records(content.decode("latin-1"), ",")
    assert found == [end for _, end in whole.spans]


def test_an_open_quote_and_a_header_that_is_long_are_told_alike(
    by_blocks: Any, tmp_path: Path
) -> None:
    texts = {
        "open": "a,b\n" + "1,2\n" * 40 + '"3,4\n5,6\n',
        "long": f'a,"{"b" * 300}"\n1,2\n',
        "marked": "\ufeffa,b\n" + "1,2\n" * 40 + "1,\ufeff2\n",
        "torn": "a,b\n" + "1,2\n" * 40 + "é,2\n",
    }
    for name, text in texts.items():
        path = tmp_path / f"{name}.csv"
        path.write_bytes(text.encode("latin-1" if name == "torn" else "utf-8"))
        by_blocks(False)
        whole = told(path, None)
        by_blocks(True)
        assert told(path, None) == whole, name
        assert isinstance(whole, str) == (name != "long"), whole
