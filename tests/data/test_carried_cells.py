"""`predict --output` gives back the columns that it was given, byte for byte."""

import csv
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seedbed.errors import DataError
from seedbed.tables.csv_file import CsvFile
from seedbed.tables.csv_output import free_names, with_predictions
from seedbed.tables.npz_file import NpzFile
from seedbed.tables.parquet_file import ParquetFile

ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "latin-1",
    "cp1252",
    "shift_jis",
    "utf-16",
    "utf-16-be",
    "utf-32",
]
ENDS = ["\n", "\r\n", "\r"]
CELL = st.text(st.sampled_from('ab1.,;\t|"\r\n éü漢-'), max_size=5)


@st.composite
def written(draw: st.DrawFn) -> tuple[bytes, str, str, int]:
    """A CSV in some encoding, with its delimiter and its number of rows."""
    delimiter = draw(st.sampled_from(",;\t|"))
    encoding = draw(st.sampled_from(ENCODINGS))
    columns, rows = draw(st.integers(2, 4)), draw(st.integers(1, 5))
    header = [f"c{number}" for number in range(columns)]
    cells = [[draw(CELL) for _ in range(columns)] for _ in range(rows)]
    lines = [
        delimiter.join(_cell(draw, cell, delimiter) for cell in row) for row in [header, *cells]
    ]
    text = ""
    for number, line in enumerate(lines):
        last = number == len(lines) - 1
        text += line + draw(st.sampled_from([*ENDS, *([""] if last else ["\n\n"])]))
    return text.encode(encoding, "ignore"), encoding, delimiter, rows


def _cell(draw: st.DrawFn, text: str, delimiter: str) -> str:
    """Quoted where it must be, and now and then where it need not."""
    must = any(mark in text for mark in (delimiter, '"', "\r", "\n"))
    if must or draw(st.booleans()):
        return '"' + text.replace('"', '""') + '"'
    return text


def unmarked(encoding: str) -> str:
    """The encoding without its byte order mark."""
    order = sys.byteorder[0]
    named = {"utf-8-sig": "utf-8", "utf-16": f"utf-16-{order}e", "utf-32": f"utf-32-{order}e"}
    return named.get(encoding, encoding)


def columns_of(content: bytes, encoding: str, delimiter: str) -> list[list[str]]:
    """By Python's reader; a line with nothing on it is no row."""
    text = content.decode(encoding)
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


@settings(max_examples=150, deadline=None)
@given(written())
@example((b'"c0",c1\r\n"a\r\n""b",""\n\n\r\n x ,"y" \r', "utf-8", ",", 2))
@example((b'\xef\xbb\xbfc0,c1\n1,"2', "utf-8", ",", 1)).xfail(raises=DataError)
def test_every_byte_of_a_csv_is_carried(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[bytes, str, str, int]
) -> None:
    content, encoding, delimiter, rows = file
    path = tmp_path_factory.getbasetemp() / "given.csv"
    path.write_bytes(content)
    opened = CsvFile(path, "--file", delimiter, encoding)
    new = {"p": [f"new{row}" for row in range(rows)], "q": ["0.5"] * rows}
    found = with_predictions(opened, new)
    text = found.decode(encoding).replace(f"{delimiter}p{delimiter}q", "", 1)
    for row in range(rows):
        text = text.replace(f"{delimiter}new{row}{delimiter}0.5", "", 1)
    marked = content[: len(content) - len(content.decode(encoding).encode(unmarked(encoding)))]
    assert marked + text.encode(unmarked(encoding)) == content
    before = columns_of(content, encoding, delimiter)
    after = columns_of(found, encoding, delimiter)
    assert [row[:-2] for row in after] == before
    assert [row[-2:] for row in after] == [["p", "q"], *([one, "0.5"] for one in new["p"])]
    cells = opened.cells(opened.names)
    assert [
        list(row) for row in zip(*(one.to_pylist() for one in cells.values()), strict=True)
    ] == (before[1:])


def test_new_cells_are_quoted_where_they_must_be(tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text("a;b\n1;2\n3;4\n5;6", newline="")
    new = {"b": ['say "so"', "x;y", "two\nlines"]}
    found = with_predictions(CsvFile(path, "--file", ";", "utf-8"), new).decode()
    assert found == 'a;b;b_2\n1;2;"say ""so"""\n3;4;"x;y"\n5;6;"two\nlines"'


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert free_names(["p", "q", "p_2"], ["p", "p_2", "a"]) == ["p_3", "q", "p_2_2"]


@pytest.mark.parametrize(
    ("content", "encoding", "says"),
    [
        (b"a,b\n1,2\n", "ascii", "which cannot hold all predictions; convert it to utf-8"),
        (b"a,b\n1,+AG8-\n", "utf-7", "cannot be written in utf-7 as it is"),
    ],
    ids=["new cells", "old cells"],
)
def test_what_an_encoding_cannot_give_back_is_refused(
    tmp_path: Path, content: bytes, encoding: str, says: str
) -> None:
    path = tmp_path / "given.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says):
        with_predictions(CsvFile(path, "--file", ",", encoding), {"p": ["ω"]})


def test_a_packed_file_is_carried_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "given.csv.gz"
    path.write_bytes(gzip.compress(b'a,b\r\n"1",2\r\n'))
    found = with_predictions(CsvFile(path, "--file", None, "utf-8"), {"p": [0.5]})
    assert found == b'a,b,p\r\n"1",2,0.5\r\n'


def test_a_parquet_file_becomes_a_csv_with_all_digits(tmp_path: Path) -> None:
    path = tmp_path / "given.parquet"
    columns = {
        "wide": pa.array([9007199254740993, None]),
        "half": pa.array([0.1, 2.0], pa.float32()),
        "truth": [True, None],
        "text": ["007", 'a "b"'],
        "list": [[1, 2], None],
        "when": pa.array([0, 1500], pa.timestamp("ms")),
    }
    pa.parquet.write_table(pa.table(columns), path)
    found = with_predictions(ParquetFile(path, "--file"), {"p": [0.5, 1.0]}).decode()
    assert list(csv.reader(io.StringIO(found))) == [
        ["wide", "half", "truth", "text", "list", "when", "p"],
        ["9007199254740993", "0.1", "true", "007", "[1, 2]", "1970-01-01 00:00:00", "0.5"],
        ["", "2", "", 'a "b"', "", "1970-01-01 00:00:01.5", "1.0"],
    ]


def test_arrays_become_a_csv_with_all_digits(tmp_path: Path) -> None:
    path = tmp_path / "given.npz"
    np.savez(path, wide=np.array([9007199254740993, 1]), image=np.ones((2, 2)))
    found = with_predictions(NpzFile(path, "--file"), {"p": ["x", "y"]}).decode()
    assert list(csv.reader(io.StringIO(found))) == [
        ["wide", "image", "p"],
        ["9007199254740993", "[1.0, 1.0]", "x"],
        ["1", "[1.0, 1.0]", "y"],
    ]
