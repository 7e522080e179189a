"""`validate` tells how each column was read, and a wrong path is answered with what to type."""

import json
from pathlib import Path

import pytest
from support.command_line import Command

LINES = ["id,day,w,color,note,yes,kind"] + [
    f"{n:03}x,2024-01-{n + 1:02},{'' if n % 5 == 0 else n},{('red', '', 'blue')[n % 3]},"
    f"a note,{('true', 'false')[n % 2]},{'abc'[n % 3]}"
    for n in range(30)
]
WORDS = ["data=csv", "data.path=table.csv", "data.target=kind", "data.drop=[id]"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("\n".join(LINES) + "\n")
    return path


def test_every_column_is_told(seedbed: Command, table: Path) -> None:
    lines = seedbed("validate", *WORDS).out.splitlines()
    assert lines[:7] == [
        "  day    dates",
        "  w      numbers, 6 missing",
        "  color  2 names, 10 missing",
        "  note   1 name",
        "  yes    true or false",
        "  kind   target: 3 classes",
        "  id     left out: in data.drop",
    ]
    assert lines[-1].startswith("valid: 21 rows to train on, multiclass")


def test_what_the_features_leave_out_is_told(seedbed: Command, table: Path) -> None:
    words = [word for word in WORDS if "drop" not in word]
    out = seedbed("validate", *words, "data.features=[w,color]").out
    assert "  day    left out: not in data.features\n" in out
    assert "  id     left out: not in data.features\n" in out


def test_json_has_them_too(seedbed: Command, table: Path) -> None:
    columns = json.loads(seedbed("validate", *WORDS, "--json").out)["columns"]
    assert columns[2] == {
        "name": "color",
        "role": "feature",
        "kind": "names",
        "missing": 10,
        "names": 2,
    }
    assert [one["name"] for one in columns] == ["day", "w", "color", "note", "yes", "kind", "id"]


def test_of_many_columns_the_first_are_listed(seedbed: Command, tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(50)]
    rows = [",".join(str(n * at) for at in range(51)) for n in range(9)]
    (tmp_path / "wide.csv").write_text("\n".join([",".join([*names, "y"]), *rows]))
    words = ["data=csv", "data.path=wide.csv", "data.target=y"]
    out = seedbed("validate", *words).out.splitlines()
    assert out[39].split() == ["c39", "numbers"]
    assert out[40] == "  and 11 more; --json lists all"


@pytest.mark.parametrize(
    ("path", "option"),
    [
        ("x.csv", "csv"),
        ("x.tsv", "csv"),
        ("x.CSV.gz", "csv"),
        ("x.parquet", "parquet"),
        ("x.pq", "parquet"),
        ("x.npz", "npz"),
    ],
)
def test_a_path_without_its_source_says_which(seedbed: Command, path: str, option: str) -> None:
    for key in ("data.path", "data.test_path"):
        result = seedbed("train", f"{key}={path}")
        assert result.code == 2
        assert f"no key '{key}'" in result.errors[0]
        assert result.errors[0].endswith(f"type data={option} as well")


NEAR = {
    "/nope.csv": "",
    "other.csv": "",
    "tables.csv": "; did you mean 'table.csv'?",
    "TABLE.CSV": "; did you mean 'table.csv'?",
    "table.tsv": "; did you mean 'table.csv'?",
    "nowhere/table.csv": "; there is no folder 'nowhere'",
}


@pytest.mark.parametrize(("path", "hint"), NEAR.items(), ids=NEAR)
def test_the_file_that_was_meant_is_named_and_no_other(
    seedbed: Command, table: Path, path: str, hint: str
) -> None:
    result = seedbed("validate", "data=csv", f"data.path={path}", "data.target=kind")
    assert result.errors == [f"error: data.path: no file '{path}'{hint}"]


def test_a_name_without_an_ending_may_be_a_folder_s(seedbed: Command, table: Path) -> None:
    (table.parent / "pictures").mkdir()
    result = seedbed("validate", "data=images", "data.path=picture")
    assert result.errors == ["error: data.path: no file 'picture'; did you mean 'pictures'?"]


@pytest.mark.parametrize("mark", [";", "|"])
def test_another_delimiter_is_named(seedbed: Command, table: Path, mark: str) -> None:
    text = "\n".join(f"{n},5{mark}{n},7{mark}{n}" for n in range(9))
    table.write_text(f"a{mark}b{mark}y\n{text}\n")
    result = seedbed("train", "data=csv", "data.path=table.csv", "data.target=y")
    assert result.code == 2
    assert f"type 'data.delimiter=\"{mark}\"'" in result.errors[0]


def test_a_sweep_is_reported_as_json_too(seedbed: Command) -> None:
    result = seedbed("validate", "-m", "seed=1,2,2", "--json")
    notes = ["1 of 3 jobs repeat another's settings; left out"]
    assert (result.code, json.loads(result.out)) == (0, {"valid": True, "jobs": 2, "notes": notes})
    out = seedbed("validate", "-m", "seed=1,2,2").out
    assert out == f"note: {notes[0]}\nvalid: 2 jobs\n"
