"""Columns that are decoded one after the other hold what those do that are decoded together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.parquet_rows import ROWS, STREAM, prepared, rows, write, write_parts

from seedbed.errors import DataError
from seedbed.tables import row_groups, unchanged_parts
from seedbed.tables.decoded_in_turn import DecodedInTurn
from seedbed.tables.parquet_files import ParquetFiles
from seedbed.tables.parquet_stream import ParquetStream


@pytest.fixture(autouse=True)
def _few_rows_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "WORTH_ASKING", 1)


def hive(folder: Path) -> Path:
    """Rows of two years, which the names of folders tell."""
    table = rows(ROWS)
    write(table.slice(0, 200), folder / "year=2023" / "a.parquet", group=7)
    write(table.slice(200), folder / "year=2024" / "b.parquet", group=50)
    return folder


FORMS: dict[str, Callable[[Path], Path]] = {
    "one": lambda folder: write(rows(), folder / "one.parquet", group=64),
    "small groups": lambda folder: write(rows(), folder / "small.parquet", group=3),
    "parts": lambda folder: write_parts(rows(), folder / "parts", [333, 2, 165], group=40),
    "hive": lambda folder: hive(folder / "hive"),
}


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ParquetFiles]:
    folder = tmp_path_factory.mktemp("forms")
    return {name: ParquetFiles(str(made(folder)), "data.path") for name, made in FORMS.items()}


def together(stream: ParquetStream, names: list[str], start: int, stop: int) -> dict[str, Any]:
    """The cells of some rows, by column."""
    found: dict[str, list[Any]] = {name: [] for name in names}
    for _, cells in stream.cells(names, start, stop):
        for name in names:
            found[name] += cells[name].to_pylist()
    return found


@given(drawn=st.data())
@pytest.mark.parametrize("form", FORMS)
def test_any_rows_of_any_columns_are_those_that_are_decoded_together(
    forms: dict[str, ParquetFiles], form: str, drawn: st.DataObject
) -> None:
    files = forms[form]
    start = drawn.draw(st.integers(0, ROWS - 1))
    stop = drawn.draw(st.integers(start + 1, ROWS))
    stream = ParquetStream(files, drawn.draw(st.integers(64, ROWS)))
    names = drawn.draw(st.lists(st.sampled_from(files.names), min_size=1, unique=True))
    found: dict[str, list[Any]] = {name: [] for name in names}
    row, in_turn = start, 0
    for first, cells in stream.cells(names, start, stop, in_turn=True):
        assert first == row
        assert [*cells] == names
        lengths = set()
        for name in drawn.draw(st.permutations(names)):
            found[name] += cells[name].to_pylist()
            lengths.add(len(cells[name]))
        assert len(lengths) == 1
        row += lengths.pop()
        if isinstance(cells, DecodedInTurn):
            in_turn += 1
            assert cells.rows == row - first <= stream.at_once
    assert row == stop
    assert in_turn or [*names] == ["year"]
    assert found == together(stream, names, start, stop)


def test_a_column_is_typed_as_the_others_are(tmp_path: Path) -> None:
    whole = pa.table({"n": pa.array([1, 2, None, 4], pa.int32())})
    real = pa.table({"n": pa.array([0.5, None, 7.0, 8.0])})
    write(whole, tmp_path / "rows" / "a.parquet")
    write(real, tmp_path / "rows" / "b.parquet")
    stream = ParquetStream(ParquetFiles(str(tmp_path / "rows"), "data.path"), 8)
    told = [cells["n"] for _, cells in stream.cells(["n"], in_turn=True)]
    assert [one.type for one in told] == [pa.float64()] * 2
    assert [one.to_pylist() for one in told] == [[1, 2, None, 4], [0.5, None, 7, 8]]


def test_groups_that_are_not_decoded_at_once_are_decoded_together(
    forms: dict[str, ParquetFiles],
) -> None:
    pieces = ParquetStream(forms["one"], 63).cells(["a"], in_turn=True)
    assert not any(isinstance(cells, DecodedInTurn) for _, cells in pieces)


def test_so_are_few_rows(forms: dict[str, ParquetFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "WORTH_ASKING", 65)
    pieces = ParquetStream(forms["one"], 64).cells(["a"], in_turn=True)
    assert not any(isinstance(cells, DecodedInTurn) for _, cells in pieces)


def test_small_groups_are_asked_for_together(forms: dict[str, ParquetFiles]) -> None:
    pieces = [*ParquetStream(forms["small groups"], 100).cells(["a"], in_turn=True)]
    assert [first for first, _ in pieces] == [0, 99, 198, 297, 396, 495]


@pytest.mark.parametrize(("kept", "many"), [(10**6, 3), (0, 0)])
def test_what_files_tell_of_themselves_is_kept_where_it_is_little(
    forms: dict[str, ParquetFiles], monkeypatch: pytest.MonkeyPatch, kept: int, many: int
) -> None:
    monkeypatch.setattr(unchanged_parts, "KEPT", kept)
    stream = ParquetStream(forms["parts"], 64)
    told = [[cells["a"].to_pylist() for _, cells in stream.cells(["a"])] for _ in range(2)]
    assert len(stream._parts._metadata) == many
    assert told[0] == told[1]


def test_columns_are_decoded_when_they_are_asked_for_and_not_kept() -> None:
    asked: list[str] = []
    columns = DecodedInTurn(["a", "b"], lambda name: asked.append(name) or name.upper(), 3)
    assert (asked, len(columns), [*columns]) == ([], 2, ["a", "b"])
    assert ("a" in columns, "c" in columns, asked) == (True, False, [])
    assert (columns["b"], columns["b"], columns["a"]) == ("B", "B", "A")
    assert asked == ["b", "b", "a"]
    with pytest.raises(KeyError):
        columns["c"]


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_that_arrow_makes_no_dictionary_of_are_read_as_others_are(
    tmp_path: Path, encoding: str
) -> None:
    table, plain = rows(), write(rows(), tmp_path / "plain.parquet")
    path = tmp_path / "rows.parquet"
    for group in (20, 1000):  # some row groups, and one
        pa.parquet.write_table(
            table, path, row_group_size=group, use_dictionary=False, column_encoding={"c": encoding}
        )
        found = [prepared(one, *STREAM).train for one in (path, plain)]
        assert [one.tolist() for one in found[0][7]] == [one.tolist() for one in found[1][7]]
        assert len(found[0]) == len(found[1])
        names = [prepared(one, *STREAM).preprocessing.to_json() for one in (path, plain)]
        assert names[0] == names[1]


def test_a_damaged_column_is_an_error_of_its_file(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).standard_normal((2, 400))
    path = write(pa.table({"a": drawn[0], "b": drawn[1]}), tmp_path / "rows.parquet", group=400)
    chunk = pa.parquet.ParquetFile(path).metadata.row_group(0).column(1)
    content = bytearray(path.read_bytes())
    at = chunk.dictionary_page_offset or chunk.data_page_offset
    content[at : at + 60] = b"\xff" * 60
    path.write_bytes(bytes(content))
    stream = ParquetStream(ParquetFiles(str(path), "data.path"), 500)
    pieces = stream.cells(["a", "b"], in_turn=True)
    _, cells = next(pieces)
    assert cells["a"].to_numpy().tolist() == drawn[0].tolist()
    with pytest.raises(DataError, match=r"data.path: '.*rows.parquet' cannot be read: "):
        cells["b"]
