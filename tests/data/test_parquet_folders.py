"""Several Parquet files as one table: folders, globs, lists, and columns that folders name."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from support.parquet_rows import STREAM, prepared, rows, write, write_parts

from seedbed.errors import DataError
from seedbed.runs import data_paths
from seedbed.runs.data_paths import ENDINGS, IMAGE_ENDINGS
from seedbed.tables.parquet_files import ParquetFiles
from seedbed.tables.parquet_stream import ParquetStream

MODES = pytest.mark.parametrize("mode", [(), STREAM], ids=["in memory", "streamed"])


def hive(folder: Path) -> Path:
    """Rows of three years, of which one is not known, with a number and a name in the folders."""
    table = rows(90)
    for number, year in enumerate(["2023", "2024", "__HIVE_DEFAULT_PARTITION__"]):
        part = table.slice(30 * number, 30)
        write(part, folder / f"year={year}" / "place=a%20b" / "rows.parquet", group=9)
    write(table, folder / "_temporary" / "rows.parquet")
    (folder / "year=2023" / "_SUCCESS").write_text("")
    return folder


@MODES
def test_names_of_folders_are_columns(tmp_path: Path, mode: tuple[str, ...]) -> None:
    data = prepared(hive(tmp_path / "hive"), *mode)
    found = {one.name: one for one in data.preprocessing.features}
    assert found["year"].kind == "number"
    assert 2023 < found["year"].mean < 2024
    assert found["year"].gaps
    assert found["place"].categories == ["a b"]
    assert sum(data.fingerprint["rows"].values()) == 90
    names = prepared(tmp_path / "hive", *mode, "data.categories=[year]").preprocessing.features
    (year,) = (one for one in names if one.name == "year")
    assert year.categories == ["2023", "2024", None]


def test_streamed_rows_of_folders_are_those_of_memory(tmp_path: Path) -> None:
    folder = hive(tmp_path / "hive")
    memory, stream = prepared(folder), prepared(folder, *STREAM)
    assert stream.preprocessing == memory.preprocessing
    assert torch.equal(torch.stack([x for x, _ in (stream.train[i] for i in range(60))]),
                       memory.train.tensors[0][:60])  # fmt: skip


@MODES
def test_a_list_and_a_glob_are_the_folder(tmp_path: Path, mode: tuple[str, ...]) -> None:
    folder = write_parts(rows(), tmp_path / "parts", [200, 300])
    whole = prepared(folder, *mode)
    for other in (sorted(folder.iterdir()), f"'{folder}/part-*.parquet'"):
        again = prepared(other, *mode)
        assert again.preprocessing == whole.preprocessing
        assert again.fingerprint["sha256"] == whole.fingerprint["sha256"]
    turned = prepared(sorted(folder.iterdir(), reverse=True), *mode)
    assert turned.fingerprint["sha256"] != whole.fingerprint["sha256"]


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("*", 500), ("*/*.parquet", 500), ("_temporary/*.parquet", 7), ("*/_part-*.parquet", 20)],
)
def test_a_glob_passes_over_what_a_folder_does_unless_it_names_it(
    tmp_path: Path, pattern: str, count: int
) -> None:
    folder = tmp_path / "parts"
    write_parts(rows(), folder / "a", [200, 300])
    write(rows(7), folder / "_temporary" / "part-000.parquet")
    write(rows(20), folder / "a" / "_part-002.parquet")
    data = prepared(f"'{folder}/{pattern}'", "data.split={validation:0,test:0}")
    assert data.fingerprint["rows"] == {"train": count}


def test_a_glob_that_matches_a_folder_and_its_files_has_each_once(tmp_path: Path) -> None:
    """As Spark names the folder of a table `rows.parquet`."""
    folder = write_parts(rows(), tmp_path / "lake" / "rows.parquet", [200, 300])
    whole = prepared(folder)
    for pattern in ("**/*.parquet", "**/*", "**"):
        again = prepared(f"'{tmp_path / 'lake'}/{pattern}'")
        assert again.fingerprint["sha256"] == whole.fingerprint["sha256"]


@pytest.mark.parametrize(
    ("endings", "said"),
    [(ENDINGS, "3 files .* the folder of the Parquet files"), (IMAGE_ENDINGS, "2 .* the images")],
)
def test_a_folder_of_too_many_files_is_not_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endings: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(data_paths, "MOST_SEEN", 3)
    monkeypatch.setattr(data_paths, "MOST_SEEN_OF_IMAGES", 2)
    for number in range(4):
        (tmp_path / str(number)).touch()
    with pytest.raises(DataError, match=f"holds more than {said}, or a glob"):
        data_paths.files_named(str(tmp_path), endings)


def test_columns_that_folders_alone_tell_come_some_rows_at_a_time(tmp_path: Path) -> None:
    files = ParquetFiles(str(hive(tmp_path / "hive")), "data.path", in_memory=False)
    pieces = [*ParquetStream(files, 8).cells(["year"], 5, 70)]
    assert max(len(cells["year"]) for _, cells in pieces) == 8
    assert [first for first, _ in pieces] == [5, 13, 21, 29, 30, 38, 46, 54, 60, 68]
    told = [one for _, cells in pieces for one in cells["year"].to_pylist()]
    assert told == ["2023"] * 25 + ["2024"] * 30 + [None] * 10


def with_column(table: Any, name: str, cells: Any) -> Any:
    return table.set_column(table.schema.get_field_index(name), name, cells)


UNLIKE = {
    "another type": (lambda t: with_column(t, "a", pa.array(["x"] * len(t))),
                     r"column 'a' holds double in .*a.parquet' and large_string in .*b.parquet'"),
    "float and double": (lambda t: with_column(t, "a", t["a"].cast(pa.float32())),
                         r"column 'a' holds double in .*a.parquet' and float in"),
    "without a column": (lambda t: t.drop_columns(["c"]), r"b.parquet' has no column 'c', which"),
    "with one more": (lambda t: t.append_column("z", pa.array(range(len(t)))),
                      r"a.parquet' has no column 'z', which other files"),
}  # fmt: skip


@MODES
@pytest.mark.parametrize(("change", "said"), UNLIKE.values(), ids=UNLIKE.keys())
def test_files_that_are_not_alike_are_refused(
    tmp_path: Path, mode: tuple[str, ...], change: Any, said: str
) -> None:
    write(rows(50), tmp_path / "rows" / "a.parquet")
    write(change(rows(50)), tmp_path / "rows" / "b.parquet")
    with pytest.raises(DataError, match=said):
        prepared(tmp_path / "rows", *mode)


@MODES
def test_sizes_of_integers_and_columns_without_a_value_go_together(
    tmp_path: Path, mode: tuple[str, ...]
) -> None:
    table = rows(60)
    whole = with_column(table, "b", pa.array([float(n % 9) for n in range(30)] + [None] * 30))
    first = with_column(table.slice(0, 30), "b", pa.array([n % 9 for n in range(30)], pa.int8()))
    write(first, tmp_path / "rows" / "a.parquet")
    write(with_column(table.slice(30), "b", pa.nulls(30)), tmp_path / "rows" / "b.parquet")
    found = prepared(tmp_path / "rows", *mode).preprocessing
    assert found == prepared(write(whole, tmp_path / "whole.parquet")).preprocessing


@MODES
def test_codes_among_which_some_are_numbers_are_named_by_their_folder(
    tmp_path: Path, mode: tuple[str, ...]
) -> None:
    for number, code in enumerate(["01001", "01002", "11164", "2A001"]):
        write(rows().slice(30 * number, 30), tmp_path / "rows" / f"code={code}" / "rows.parquet")
    with pytest.raises(DataError, match=r"row 1 of .*code=2A001/rows.parquet holds '2A001'; mend"):
        prepared(tmp_path / "rows", *mode)
    found = prepared(tmp_path / "rows", *mode, "data.categories=[code]").preprocessing
    (codes,) = (one.categories for one in found.features if one.name == "code")
    assert codes == ["01001", "01002", "11164", "2A001"]


@MODES
def test_what_names_no_rows_or_rows_twice_is_refused(tmp_path: Path, mode: tuple[str, ...]) -> None:
    file = write(rows(), tmp_path / "rows" / "a.parquet")
    with pytest.raises(DataError, match=r"a.parquet' twice; its rows would count twice"):
        prepared([file, tmp_path / "rows"], *mode)
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"no file ending in .parquet or .pq in the folder"):
        prepared(tmp_path / "none", *mode)
    write(rows(), tmp_path / "mixed" / "year=1" / "a.parquet")
    write(rows(), tmp_path / "mixed" / "b.parquet")
    with pytest.raises(DataError, match=r"name folders key=value alike for all files"):
        prepared(tmp_path / "mixed", *mode)
    write(rows(), tmp_path / "twice" / "a=1" / "a.parquet")
    with pytest.raises(DataError, match=r"'a' is a column of .* and in the names of their folders"):
        prepared(tmp_path / "twice", *mode)
