"""Only what is used is read, and what is no feature is left out."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from support.command_line import Command
from support.houses import prepared_data

from seedbed.data.prepared import PreparedData
from seedbed.errors import DataError

ROWS = range(12)


def csv_table(path: Path, **columns: list[object]) -> Path:
    rows = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join([",".join(columns), *rows]) + "\n")
    return path


def parquet_table(path: Path, metadata: dict[str, object] | None = None, **columns: object) -> Path:
    table = pa.table(columns)
    if metadata is not None:
        table = table.replace_schema_metadata({"pandas": json.dumps(metadata)})
    pa.parquet.write_table(table, path)
    return path


def data_of(path: Path, *words: str) -> PreparedData:
    source = path.suffix[1:]
    return prepared_data(f"data={source}", f"data.path={path}", "data.target=y", *words)


def features(data: PreparedData) -> list[str]:
    return [one.name for one in data.preprocessing.features]


PLAIN = {"a": [n % 5 for n in ROWS], "y": [n / 2 for n in ROWS]}
PANDAS = {"index_columns": ["customer"], "columns": [], "pandas_version": "3.1.1"}


class TestASavedIndex:
    @pytest.mark.parametrize("name", ["", "Unnamed: 0", "__index_level_0__"])
    def test_of_a_csv_is_left_out_with_a_note(self, tmp_path: Path, name: str) -> None:
        path = csv_table(tmp_path / "t.csv", **{name: list(ROWS)}, **PLAIN)
        data = data_of(path)
        assert features(data) == ["a"]
        assert "is the index of a table that was saved with it, and is left out" in data.notes[0]

    def test_of_several_levels_is_left_out(self, tmp_path: Path) -> None:
        lines = [f"{n},{n % 2},{n % 5},{n / 2}" for n in ROWS]
        (tmp_path / "t.csv").write_text("\n".join([",,a,y", *lines]))
        assert features(data_of(tmp_path / "t.csv")) == ["a"]

    def test_of_parquet_is_left_out_by_its_name_or_by_what_pandas_notes(
        self, tmp_path: Path
    ) -> None:
        index = {"__index_level_0__": list(ROWS)}
        assert features(data_of(parquet_table(tmp_path / "t.parquet", **PLAIN, **index))) == ["a"]
        named = {"customer": [f"c{n}" for n in ROWS]}
        data = data_of(parquet_table(tmp_path / "t.parquet", PANDAS, **PLAIN, **named))
        assert features(data) == ["a"]
        assert data.notes[0].startswith("column 'customer' of t.parquet is the index")
        ranged = {**PANDAS, "index_columns": [{"kind": "range", "start": 0, "stop": 12}]}
        assert features(data_of(parquet_table(tmp_path / "t.parquet", ranged, **PLAIN))) == ["a"]

    def test_is_a_feature_if_it_is_named(self, tmp_path: Path) -> None:
        path = csv_table(tmp_path / "t.csv", **{"Unnamed: 0": list(ROWS)}, **PLAIN)
        data = data_of(path, "data.features=['Unnamed: 0',a]")
        assert features(data) == ["Unnamed: 0", "a"]
        assert not data.notes

    def test_may_be_the_target(self, tmp_path: Path) -> None:
        named = {"customer": [n * 1.5 for n in ROWS]}
        path = parquet_table(tmp_path / "t.parquet", PANDAS, **PLAIN, **named)
        assert features(data_of(path, "data.target=customer")) == ["a", "y"]

    def test_a_nameless_column_elsewhere_is_a_feature(self, tmp_path: Path) -> None:
        path = csv_table(tmp_path / "t.csv", **PLAIN, **{"": list(ROWS)})
        assert features(data_of(path)) == ["a", ""]


class TestDrop:
    def test_leaves_columns_out(self, tmp_path: Path) -> None:
        words = ["x", "y z"] * 6
        path = csv_table(tmp_path / "t.csv", note=words, b=list(ROWS), **PLAIN)
        assert features(data_of(path, "data.drop=[note,b]")) == ["a"]

    def test_a_column_that_is_not_read_may_hold_anything(
        self, seedbed: Command, tmp_path: Path
    ) -> None:
        lists = [[n] for n in ROWS]
        slips = ["1", "2", "oops", *map(str, range(9))]
        path = parquet_table(tmp_path / "t.parquet", **PLAIN, tags=lists, slip=slips)
        for words in (["data.drop=[tags,slip]"], ["data.features=[a]"]):
            lines = ["data=parquet", f"data.path={path}", "data.target=y", *words]
            result = seedbed("train", *lines, "trainer.epochs=1")
            assert result.code == 0, result.err
            assert seedbed("predict", result.run, "--file", path).code == 0

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["data.drop=[z]"], "data.drop: no column 'z' in t.csv; columns are a, y"),
            (["data.drop=[y]"], "data.drop: 'y' is in data.target too"),
            (["data.drop=[a]", "data.features=[a]"], "data.drop: 'a' is in data.features too"),
            (["data.drop=[a]"], "no column beside the target"),
        ],
    )
    def test_of_what_is_not_there_or_needed_is_refused(
        self, tmp_path: Path, words: list[str], told: str
    ) -> None:
        with pytest.raises(DataError) as refused:
            data_of(csv_table(tmp_path / "t.csv", **PLAIN), *words)
        assert told in refused.value.problems[0]


def test_features_that_cannot_be_fitted_are_reported_at_once(tmp_path: Path) -> None:
    empty, many = [""] * 12, [f"n{n % 6}" for n in ROWS]
    path = csv_table(tmp_path / "t.csv", e=empty, f=empty, m=many, **PLAIN)
    with pytest.raises(DataError) as refused:
        data_of(path, "data.max_categories=2")
    assert [problem[:10] for problem in refused.value.problems] == [
        f"column '{name}'" for name in "efm"
    ]
    assert "data.drop=[m], or raise data.max_categories (now 2)" in refused.value.problems[2]
