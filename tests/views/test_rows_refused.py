"""What no picture of a run's rows can be drawn of, and what is left out of one and counted."""

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.command_line import Command
from support.row_runs import outputs, table

import seedbed as front
from seedbed.errors import ArgumentError, DataError
from seedbed.runs.layout import RunPaths
from seedbed.views.own_rows import RowOutputs
from seedbed.views.row_pictures import refuse_other_kind, row_picture
from seedbed.views.trained import load_trained

ROC = ["--kind", "roc"]
WRONG = {
    "kind of classes": (
        ["targets", *ROC],
        "roc is of classes, and 'targets' predicts real values (task regression); type --kind "
        "residuals",
    ),
    "kind of values": (
        ["binary", "--kind", "residuals"],
        "type --kind and one of confusion, roc, calibration",
    ),
    "kind": (["binary", "--kind", "confusoin"], "no kind 'confusoin'; did you mean 'confusion'?"),
    "rows": (
        ["binary", *ROC, "--rows", "train"],
        "--rows: no rows 'train'; there are val and test",
    ),
    "rows, nearly": (["binary", *ROC, "--rows", "tests"], "did you mean 'test'?"),
    "rows, whole": (["binary", *ROC, "--rows", "validation"], "did you mean 'val'?"),
    "folder of runs": ([".", *ROC], "holds 4 runs; the newest is"),
    "two runs": (["binary", "classes", *ROC], "roc is of one run, got 2; name one"),
    "rows and file": (["classes", *ROC, "--rows", "val", "--file", "table.csv"], "leave it out"),
    "rows of curves": (
        ["binary", "--rows", "val"],
        "--rows is of --kind confusion or roc or calibration or residuals; leave it out",
    ),
    "filter": (
        ["binary", *ROC, "--filter", "seed=0"],
        "--filter is of many runs, and roc of one; leave it out",
    ),
    "no file of labels": (["classes", *ROC, "--file", "no.csv"], "no file 'no.csv'"),
    "no such word": (["classes", *ROC, "data.paht=x"], "data.paht"),
    "moved and file": (["classes", *ROC, "data.path=x", "--file", "table.csv"], "leave it out"),
    "no run": (["none", *ROC], "run directory 'none' does not exist"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_drawn_is_one_line(
    seedbed: Command, row_runs: Path, tmp_path: Path, name: str
) -> None:
    words, said = WRONG[name]
    with contextlib.chdir(row_runs):
        result = seedbed("plot", *words, "--output", tmp_path / "x.png")
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert said in line
    assert not (tmp_path / "x.png").exists()


def test_a_picture_needs_a_file_that_can_be_written(seedbed: Command, row_runs: Path) -> None:
    result = seedbed("plot", row_runs / "binary", "--kind", "roc")
    assert result.errors == [
        "error: plot: --kind roc needs a file to draw to; type --output roc.png"
    ]
    (line,) = seedbed("plot", row_runs / "binary", "--kind", "roc", "--output", "x.gif").errors
    assert "must end in .png, .svg or .pdf" in line
    (line,) = seedbed("plot", row_runs / "binary", "--kind", "roc", "--output", "no/x.png").errors
    assert "no folder 'no'" in line


def test_a_sweep_is_told_its_best_run(seedbed: Command, iris_sweep: Path) -> None:
    best = front.runs(iris_sweep).best().path
    (line,) = seedbed("plot", iris_sweep, "--kind", "roc", "--output", "x.png").errors
    assert (
        line
        == f"error: --kind: roc is of one run, and '{iris_sweep}' holds 42 runs; the best is {best}"
    )
    with pytest.raises(ArgumentError, match="roc is of one run"):
        front.load_sweep(iris_sweep).plot("roc")


def test_a_folder_without_runs_is_no_run(seedbed: Command) -> None:
    Path("a/b").mkdir(parents=True)
    (line,) = seedbed("plot", "a", "--kind", "roc", "--output", "x.png").errors
    assert line == "error: 'a' is no run directory: it has no config.yaml"


def test_rows_of_one_class_have_no_curve(seedbed: Command, row_runs: Path) -> None:
    """MLflow ended on such rows (issue 16092)."""
    rows = table(60)
    rows[rows["kind"] == "yes"].to_csv("yes.csv", index=False)
    words = ("plot", row_runs / "classes", "--file", "yes.csv", "--output", "x.png", "--kind")
    (line,) = seedbed(*words, "roc").errors
    assert line == (
        "error: roc: nothing to draw, as no row or every one of rows of yes.csv is of 'yes'"
    )
    result = seedbed(*words, "confusion")
    assert (result.code, result.err) == (0, "note: no row is of 'no', whose line is empty\n")
    assert seedbed(*words, "calibration").code == 0


def test_a_run_without_such_rows_says_what_it_has(seedbed: Command, sum_run: Path) -> None:
    (line,) = seedbed("plot", sum_run, "--kind", "residuals", "--output", "x.png").errors
    assert (
        "has no validation rows, it has 4 training rows; type --file labelled.csv, or train with "
        "data.split.validation=0.2" in line
    )
    with pytest.raises(DataError, match="give rows= with their labels, or train with"):
        front.load_run(sum_run).plot("residuals")


@pytest.fixture
def moved(row_runs: Path, tmp_path: Path) -> Path:
    """A copy of a run and of its data in another folder."""
    shutil.copytree(row_runs / "classes", tmp_path / "run")
    shutil.copy(row_runs / "table.csv", tmp_path / "here.csv")
    return tmp_path / "run"


def drawn(seedbed: Command, run: Path, *words: str) -> Any:
    return seedbed("plot", run, *words, "--kind", "confusion", "--output", "x.png")


def test_data_that_moved_can_be_named(seedbed: Command, moved: Path) -> None:
    (line,) = drawn(seedbed, moved).errors
    assert "no file 'table.csv'" in line
    assert "type data.path=FILE after the run" in line
    assert drawn(seedbed, moved, "data.path=here.csv").code == 0
    with pytest.raises(DataError, match=r"type the command there$"):
        front.load_run(moved).plot("confusion")


def test_data_that_changed_is_refused(seedbed: Command, moved: Path) -> None:
    changed = table()
    changed.loc[0, "area"] += 1
    changed.to_csv("here.csv", index=False)
    (line,) = drawn(seedbed, moved, "data.path=here.csv").errors
    assert "the rows are not those of the run" in line
    shutil.copy("here.csv", "table.csv")
    (line,) = drawn(seedbed, moved).errors
    assert "data: 'table.csv' has changed since the run" in line


def edited(path: Path, change: Callable[[Any], Any]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_names_of_other_classes_are_refused(seedbed: Command, moved: Path) -> None:
    edited(moved / "preprocessing.json", lambda fitted: fitted.update(classes=["yes", "no"]))
    (line,) = drawn(seedbed, moved, "data.path=here.csv").errors
    assert "preprocessing.json' does not go with the run's data: other classes" in line


def test_a_scale_of_another_run_is_refused(
    seedbed: Command, row_runs: Path, tmp_path: Path
) -> None:
    shutil.copytree(row_runs / "targets", "run")
    shutil.copy(row_runs / "table.csv", "table.csv")
    edited(Path("run/preprocessing.json"), lambda fitted: fitted.update(target_scale=[1.0, 1.0]))
    (line,) = seedbed("plot", "run", "--kind", "residuals", "--output", "x.png").errors
    assert "other target_scale" in line


def test_other_numbers_than_the_run_wrote_are_told(seedbed: Command, moved: Path) -> None:
    edited(moved / "result.json", lambda told: told["metrics"].update({"val/accuracy": 0.125}))
    result = drawn(seedbed, moved, "data.path=here.csv")
    assert result.code == 0
    assert "and the run wrote val/accuracy 0.125" in result.err


def test_a_run_without_weights_has_no_picture(seedbed: Command, moved: Path) -> None:
    (moved / "model.pth").unlink()
    (line,) = drawn(seedbed, moved, "data.path=here.csv").errors
    assert "model.pth" in line
    assert drawn(seedbed, moved, "data.path=here.csv", "--checkpoint", "last").code == 0


def overflow(run: Path, column: int, above: float) -> None:
    """Has the first hidden value, and so the outputs, overflow where an input is above a number."""
    state = torch.load(run / "model.pth")
    first, _, second, _ = state
    state[first].zero_()[0, column] = torch.finfo().max / above
    state[second].fill_(1e-38)
    torch.save(state, run / "model.pth")


def test_rows_without_a_finite_prediction_are_counted(seedbed: Command, row_runs: Path) -> None:
    shutil.copytree(row_runs / "targets", "run")
    shutil.copy(row_runs / "table.csv", "table.csv")
    fitted = load_trained("run").preprocessing.features[0]
    before = outputs("run").targets
    overflow(Path("run"), 0, 1.0)
    inputs = (table()["w"] - fitted.mean) / fitted.scale
    beyond = table()["price"][inputs > 1].to_numpy()
    wrong = sum(np.isclose(beyond, one[0], rtol=1e-6).any() for one in before)
    assert 0 < wrong < 50
    result = seedbed("plot", "run", "--kind", "residuals", "--output", "x.svg")
    told = f"note: not drawn, as the model gives no finite number: {wrong} of 50 validation rows"
    assert told in result.err.splitlines()
    assert f"{50 - wrong} validation rows, {wrong} left out" in Path("x.svg").read_text()
    state = torch.load("run/model.pth")
    torch.save({name: one * float("nan") for name, one in state.items()}, "run/model.pth")
    (line,) = seedbed("plot", "run", "--kind", "residuals", "--output", "x.svg").errors
    assert "gives no number for any of the 50 validation rows; nothing to draw" in line


def test_rows_in_memory_are_not_kept(seedbed: Command) -> None:
    front.train(
        "trainer.epochs=1",
        "data.split.validation=0.25",
        data=table(40),
        target="kind",
        directory="run",
    )
    (line,) = seedbed("plot", "run", "--kind", "roc", "--output", "x.png").errors
    assert "was trained on rows in memory, which are not kept; type --file labelled.csv" in line
    with pytest.raises(DataError, match="not kept; give rows= with their labels"):
        front.load_run("run").plot("roc")
    assert front.load_run("run").plot("roc", table(40)).axes


def test_more_classes_than_there_is_room_for_are_refused(row_runs: Path) -> None:
    paths = RunPaths(row_runs / "multiclass")
    trained = load_trained(paths.root)
    fitted = replace(trained.preprocessing, classes=[str(number) for number in range(1001)])
    trained = replace(trained, head=replace(trained.head, preprocessing=fitted))
    for kind in ("confusion", "roc"):
        with pytest.raises(ArgumentError, match="has room for 1000 classes, the run has 1001"):
            refuse_other_kind(trained, paths, kind)
    refuse_other_kind(trained, paths, "calibration")


def test_more_targets_than_there_is_room_for_are_counted(row_runs: Path) -> None:
    paths = RunPaths(row_runs / "targets")
    many = np.random.default_rng(0).random((2, 9, 8))
    rows = RowOutputs("test rows", many[0], many[1], 0, [])
    figure, notes = row_picture(load_trained(paths.root), "residuals", rows, paths)
    assert notes == ["the first 6 of 8 targets are drawn"]
    assert len(figure.axes) == 18
