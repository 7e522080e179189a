"""`seedbed.runs()`: a sequence of runs, and a table of what they tell."""

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import seedbed as front
from seedbed.errors import ArgumentError, RunDirectoryError


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A sweep of four over two rates, and a run on its own; classes, with rows for validation."""
    folder = tmp_path_factory.mktemp("table")
    with contextlib.chdir(folder):
        words = ("data=sklearn", "data.split.seed=0", "trainer.epochs=2")
        front.sweep(*words, "optimizer.lr=0.01,0.1", "seed=0,1", "sweep.fuse=always")
        front.train(*words, "optimizer.lr=0.03")
    return folder / "outputs"


@pytest.fixture
def table(made: Path) -> "front.RunTable":
    return front.runs(made)


def test_items_are_runs_and_slices_are_tables(table) -> None:
    assert len(table) == 5
    assert isinstance(table[0], front.Run)
    assert table[0].config["optimizer"]["lr"] == 0.03
    assert [run.path for run in table[1:3]] == [run.path for run in table][1:3]
    assert isinstance(table[1:], front.RunTable)


def test_rows_are_plain_dictionaries(table) -> None:
    row = table.rows[0]
    assert list(row) == table.columns
    assert row["optimizer.lr"] == 0.03
    assert row["val/loss"] == table[0].metrics["val/loss"]
    assert {"seed", "best.val/loss", "tags", "when"} <= row.keys()
    json.dumps(table.rows)
    assert table.column("data.dataset") == ["iris"] * 5


def test_filters_and_orders_give_tables(table) -> None:
    found = table.filter("optimizer.lr<0.05 and status=completed").sort("-optimizer.lr,seed")
    assert found.column("optimizer.lr") == [0.03, 0.01, 0.01]
    assert len(table) == 5
    with pytest.raises(ArgumentError, match=r"did you mean .optimizer\.lr."):
        table.filter("optimizer.lrr=1")
    with pytest.raises(ArgumentError, match="did you mean 'val/loss'"):
        table.sort("val/los")
    with pytest.raises(ArgumentError, match="did you mean 'val/loss'"):
        table.column("val/los")
    with pytest.raises(ArgumentError, match="filter must be a text such as 'seed=0', got int"):
        table.filter(0)
    with pytest.raises(ArgumentError, match="sort must be a text such as 'val/loss', got list"):
        table.sort(["val/loss"])


def test_best_goes_by_the_direction_of_the_metric(table) -> None:
    losses = {run.path: run.metrics["val/loss"] for run in table}
    aurocs = {run.path: run.metrics["val/auroc"] for run in table}
    assert table.best().path == min(losses, key=losses.get)
    assert table.best("val/loss").path == min(losses, key=losses.get)
    assert aurocs[table.best("val/auroc").path] == max(aurocs.values())


def test_best_refuses_what_cannot_be_compared(table, made: Path, sum_run: Path, tmp_path) -> None:
    with pytest.raises(ArgumentError, match="the table has no runs"):
        table.filter("seed=99").best()
    with pytest.raises(ArgumentError, match=r"^metric: .*did you mean 'val/accuracy'"):
        table.best("val/acuracy")
    shutil.copytree(table[0].path, tmp_path / "other")
    config = tmp_path / "other/config.yaml"
    config.write_text(config.read_text().replace("    seed: 0\n", "    seed: 7\n"))
    mixed = front.runs(made, tmp_path / "other")
    with pytest.raises(ArgumentError, match="different rows"):
        mixed.best("val/loss")
    assert mixed.best("val/loss", across_rows=True).path in [run.path for run in mixed]
    assert "measured on different rows" in mixed.sort("val/loss").notes[0]
    assert table.sort("val/loss").notes == []
    with pytest.raises(ArgumentError):
        front.runs(sum_run).filter("status=failed").best("train/loss")


def test_settings_are_compared_over_seeds(table) -> None:
    compared = table.filter("optimizer.lr!=0.03").compare("val/loss", over="seed")
    assert [row["n"] for row in compared.rows] == [2, 2]
    assert compared.over == ["seed"]
    assert table.compare(over=[]).over == []


def test_frames_have_the_rows(table) -> None:
    pandas_frame, polars_frame = table.to_pandas(), table.to_polars()
    assert list(pandas_frame.columns) == polars_frame.columns == table.columns
    assert pandas_frame["optimizer.lr"].tolist() == table.column("optimizer.lr")
    assert polars_frame["val/loss"].to_list() == table.column("val/loss")
    assert polars_frame["tags"].to_list() == [[]] * 5


def test_frames_take_columns_of_several_kinds(table, tmp_path: Path) -> None:
    for name, size in (("a", "4"), ("b", "auto"), ("c", "[1, 2]")):
        shutil.copytree(table[0].path, tmp_path / name)
        config = tmp_path / name / "config.yaml"
        lines = config.read_text().splitlines(keepends=True)
        lines = [f"  momentum: {size}\n" if "  momentum:" in one else one for one in lines]
        config.write_text("".join(lines))
    found = front.runs(tmp_path)
    assert sorted(found.to_polars()["optimizer.momentum"].to_list()) == ["4", "[1, 2]", "auto"]
    assert len(found.to_pandas()) == 3


def test_it_is_shown_as_a_table(table) -> None:
    shown = repr(table).splitlines()
    assert shown[0] == "RunTable of 5 runs"
    assert shown[1].split()[:3] == ["name", "when", "status"]
    assert table._repr_html_().count("<tr>") == 6


def test_html_is_escaped(table, tmp_path: Path) -> None:
    run = tmp_path / "<img src=x onerror=alert(1)>"
    shutil.copytree(table[0].path, run)
    (run / "notes.json").write_text('{"tags": [], "note": "<script>alert(1)</script>\\u001b"}')
    html = front.runs(tmp_path)._repr_html_()
    assert "<img" not in html
    assert "<script" not in html
    assert "\x1b" not in html


def test_broken_runs_are_told_and_are_no_items(table, tmp_path: Path) -> None:
    shutil.copytree(table[0].path, tmp_path / "whole")
    shutil.copytree(table[0].path, tmp_path / "broken")
    (tmp_path / "broken/result.json").write_text("{")
    found = front.runs(tmp_path)
    assert [run.path.name for run in found] == ["whole"]
    assert found.left_out[str(tmp_path / "broken")].startswith("broken: ")


def test_no_folder_is_outputs(made: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(made.parent)
    assert len(front.runs()) == 5
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunDirectoryError, match="no folder 'outputs'"):
        front.runs()
    (tmp_path / "outputs").mkdir()
    assert repr(front.runs()) == "RunTable of 0 runs"
    assert front.runs().rows == []


LIGHT = """
import sys
import seedbed
table = seedbed.runs(sys.argv[1])
table.rows, repr(table), table._repr_html_(), table.filter("seed=0").sort("val/loss")
import seedbed.runs.layout
assert callable(seedbed.runs)
slow = {"torch", "hydra", "omegaconf", "pandas", "pyarrow", "scipy", "sklearn", "matplotlib"}
print(sorted(slow & sys.modules.keys()))
"""


def test_a_table_brings_nothing_heavy(made: Path) -> None:
    line = [sys.executable, "-c", LIGHT, str(made)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == "[]\n"
