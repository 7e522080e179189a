"""`seedbed predict` from the command line: what it prints, writes and warns of."""

import contextlib
import csv
import io
import json
from pathlib import Path

import pytest
from support.single_runs import train

from seedbed.runs.reader import read_json

ROWS = "".join(f"{row:03},{'ab'[row % 2]},{row % 2 == 0}\r\n" for row in range(20))
WORDS = [
    *("data=csv", "data.path=rows.csv", "data.target=left", "data.categories=[code]"),
    *("data.features=[code,plan]", "data.split={validation:0.2,test:0}", "trainer.epochs=2"),
]
LAYER = "input_to_hidden_layer"
NEW = b'\xef\xbb\xbfleft_prediction,plan,code,note\r\n"1.50",a,001,"two\nlines"\r\n,c,999, x \r\n'


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Started in a folder of its own, with a relative path to its data."""
    folder = tmp_path_factory.mktemp("left")
    (folder / "rows.csv").write_text(f"code,plan,left\n{ROWS}", newline="")
    with contextlib.chdir(folder):
        train(folder / "run", *WORDS)
    return folder / "run"


def test_predictions_stand_behind_the_bytes_of_the_file(seedbed, tmp_path: Path, run: Path) -> None:
    (tmp_path / "new.csv").write_bytes(NEW)
    result = seedbed("predict", str(run), "--file", "new.csv", "--output", "out.csv")
    assert result.code == 0
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(NEW.partition(b"\r\n")[0])
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    given = list(csv.reader(io.StringIO(NEW.decode("utf-8-sig"), newline="")))
    assert [row[:4] for row in rows] == given
    assert rows[0][4:] == [
        "left_prediction_2", "probability_False", "probability_True", "unknown_names"
    ]  # fmt: skip
    assert [row[7] for row in rows[1:]] == ["", "code plan"]
    assert {row[4] for row in rows[1:]} <= {"True", "False"}


def test_unknown_names_are_said_beside_the_answer(seedbed, tmp_path: Path, run: Path) -> None:
    (tmp_path / "new.csv").write_bytes(NEW)
    for words in (["--file", "new.csv"], ["--input", '[["001","a"],["999","c"]]']):
        result = seedbed("predict", str(run), *words, "--json")
        notes = result.err.splitlines()
        assert [note.partition(":")[0] for note in notes] == ["note", "note"]
        assert "column 'code': 1 of 2 rows" in notes[0]
        assert "'999'; they become zeros (data.unknown)" in notes[0]
        assert len(json.loads(result.out)["predictions"]) == 2


def test_unknown_names_are_said_where_layers_are_looked_into(seedbed, run: Path) -> None:
    result = seedbed("inspect", str(run), "--layer", LAYER, "--input", '[["001","z"]]')
    assert "column 'plan': 1 of 1 rows of --input hold names that no" in result.err


@pytest.mark.parametrize("command", ["resume", "reproduce"])
def test_a_relative_path_is_explained_in_another_folder(
    seedbed, tmp_path: Path, run: Path, command: str
) -> None:
    words = [command, str(run), *(["trainer.epochs=3"] if command == "resume" else [])]
    before = read_json(run / "status.json")
    result = seedbed(*words)
    assert result.code == 2
    (error,) = result.errors
    assert error == (
        f"error: data.path: no file 'rows.csv' in '{tmp_path}'; a relative path, and the run was "
        f"started in '{run.parent}': type the command there; if it lies elsewhere now, type "
        "data.path=FILE after the run"
    )
    (tmp_path / "rows.csv").write_bytes((run.parent / "rows.csv").read_bytes() + b"020,a,True\n")
    (error,) = seedbed(*words).errors
    assert "'rows.csv' has changed since the run" in error
    assert f"the run was started in '{run.parent}'" in error
    assert read_json(run / "status.json") == before


def test_a_name_of_several_lines_is_told_on_one(seedbed, tmp_path: Path, run: Path) -> None:
    (tmp_path / "new.csv").write_text(f'code,plan\n001,"two\nlines"\n001,{"x" * 900}\n')
    result = seedbed("predict", str(run), "--file", "new.csv")
    *_, note = result.err.splitlines()
    assert note.startswith("note: column 'plan': 2 of 2 rows")
    assert r"'two\nlines', 'xxx" in note
    assert len(note) < 300


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"code,plan\n001,\xe9\n", "is not utf-8 text; convert it to that, or train with"),
        (b"code;plan\n001;a\n", "if ';' separates its cells, write it with ',', as the run's"),
    ],
    ids=["encoding", "delimiter"],
)
def test_what_predict_does_not_take_is_not_what_to_type(
    seedbed, tmp_path: Path, run: Path, content: bytes, hint: str
) -> None:
    (tmp_path / "new.csv").write_bytes(content)
    result = seedbed("predict", str(run), "--file", "new.csv")
    assert result.code == 2
    assert hint in result.err


def test_a_value_given_twice_is_refused(seedbed, run: Path) -> None:
    result = seedbed("predict", str(run), "--input", '[{"code":"001","code":"002","plan":"a"}]')
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: --input names 'code' more than once in a row\n"
