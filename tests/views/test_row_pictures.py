"""Pictures of a run on its rows: its own rows, its own predictions, its own metrics."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk
from support.command_line import Command
from support.row_runs import SPLIT, outputs, table

import seedbed as front
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import ArgumentError, DataError, NotAllowedError
from seedbed.runs.layout import RunPaths
from seedbed.views.class_rows import confusion_of, rocs_of
from seedbed.views.own_rows import RowOutputs
from seedbed.views.residuals import residuals_of, target_names
from seedbed.views.row_pictures import row_picture
from seedbed.views.trained import load_trained

KINDS = {"binary": "confusion", "multiclass": "roc", "targets": "residuals", "classes": "confusion"}


@pytest.fixture
def there(row_runs: Path) -> Iterator[Path]:
    with contextlib.chdir(row_runs):
        yield row_runs


@pytest.mark.parametrize("rows", ["val", "test"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "classes"])
def test_the_picture_has_the_metrics_of_the_run(there: Path, task: str, rows: str) -> None:
    metrics = front.load_run(task).metrics
    found = outputs(task, rows)
    confusion = confusion_of(found.predictions, found.targets)
    assert confusion.accuracy == metrics[f"{rows}/accuracy"]
    areas = [one.area for one in rocs_of(found.predictions, found.targets)[0]]
    assert np.mean(areas) == pytest.approx(metrics[f"{rows}/auroc"], abs=1e-6)
    assert found.notes == []


def test_runs_of_a_stack_have_theirs(iris_sweep: Path) -> None:
    for run in front.load_sweep(iris_sweep)[::20]:
        found = outputs(str(run.path))
        confusion = confusion_of(found.predictions, found.targets)
        assert confusion.accuracy == run.metrics["val/accuracy"]
        assert found.notes == []


IMAGES = """
import numpy as np, torch
from torch.utils.data import Dataset

class Images(Dataset):
    classes = ["cat", "dog", "cow"]

    def __len__(self):
        return 90

    def __getitem__(self, index):
        drawn = torch.randn(1, 5, 5) + np.random.randn()
        return drawn + index % 3, index % 3
"""


def test_rows_that_a_dataset_draws_anew_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of a class of one's own, noisy: each row has its own random numbers, as in the run."""
    Path("own_images.py").write_text(IMAGES)
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.setenv("SEEDBED_ALLOW", "own_images")
    layers = "[{Conv2d: {out_channels: 4, kernel_size: 3}}, ReLU, Flatten, Linear]"
    run = front.train(
        "data=dataset", "++data.train._target_=own_images.Images", "model=sequential",
        f"model.layers={layers}", "loader.batch_size=7", *SPLIT, directory="run",
    )  # fmt: skip
    for rows in ("val", "test"):
        found = outputs("run", rows)
        assert (
            confusion_of(found.predictions, found.targets).accuracy
            == (run.metrics[f"{rows}/accuracy"])
        )
    assert [one.get_text()[:3] for one in run.plot("confusion").axes[0].get_xticklabels()] == [
        "cat", "dog", "cow",
    ]  # fmt: skip
    Path("own_images.py").write_text(IMAGES.replace("index % 3, index % 3", "1, index % 3"))
    del sys.modules["own_images"]
    with pytest.raises(DataError, match="the Dataset gives other rows than those of the run"):
        run.plot("confusion")
    monkeypatch.delenv("SEEDBED_ALLOW")
    with pytest.raises(NotAllowedError, match=r"own_images\.Images' is not allowed"):
        front.load_run("run").plot("confusion")


@pytest.mark.parametrize("rows", ["val", "test"])
def test_residuals_have_the_metrics_of_the_run(there: Path, rows: str) -> None:
    """In the targets' own units, though they are trained on standardized."""
    run, found = front.load_run("targets"), outputs("targets", rows)
    every = residuals_of(found.predictions, found.targets, load_trained("targets").preprocessing)
    assert [one.name for one in every] == ["price", "area"]
    mean = np.mean([one.mean_absolute for one in every])
    assert mean == pytest.approx(run.metrics[f"{rows}/mae"], rel=1e-12)
    scores = [sk.r2_score(one.true, one.predicted) for one in every]
    assert [one.r2 for one in every] == pytest.approx(scores, rel=1e-9)
    prices = table()["price"].to_numpy()
    assert all(np.isclose(prices, one, rtol=1e-5).any() for one in every[0].true)


def test_a_target_is_named_with_its_unit(there: Path) -> None:
    fitted = load_trained("targets").preprocessing
    with_unit = replace(fitted, text=replace(fitted.text, units={"price": "€"}))
    assert target_names(with_unit, 2) == ["price (€)", "area"]
    assert target_names(with_unit, 3) == ["price_1", "price_2", "price_3"]


def probable(classes: int, fitted: Preprocessing) -> tuple[RowOutputs, Preprocessing]:
    """Rows of all classes but the last, each taken for the next."""
    labels = np.repeat(np.arange(classes - 1), 3)
    names = [f"class {number}" for number in range(classes)]
    rows = RowOutputs("test rows", np.eye(classes)[labels + 1], labels, 0, ["first"])
    return rows, replace(fitted, classes=names)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (12, []),
        (13, ["13 classes leave room for counts alone; the share is the colour"]),
        (
            26,
            [
                "26 classes leave no room for numbers in the cells",
                *(f"'class {n}' was taken for 'class {n + 1}' in 3 rows" for n in range(5)),
            ],
        ),
        (
            61,
            [
                "61 classes leave no room for numbers in the cells",
                *(f"'class {n}' was taken for 'class {n + 1}' in 3 rows" for n in range(5)),
                "one class in 3 is named beside the matrix",
            ],
        ),
    ],
)
def test_what_there_is_no_room_for_is_said(there: Path, classes: int, said: list[str]) -> None:
    trained = load_trained("multiclass")
    rows, fitted = probable(classes, trained.preprocessing)
    trained = replace(trained, head=replace(trained.head, preprocessing=fitted))
    _, notes = row_picture(trained, "confusion", rows, RunPaths(Path("multiclass")))
    assert notes == ["first", *said, f"no row is of 'class {classes - 1}', whose line is empty"]


@pytest.mark.parametrize("task", ["classes", "targets"])
def test_the_rows_are_those_of_the_split_with_what_predict_says(there: Path, task: str) -> None:
    run, found, every = front.load_run(task), outputs(task), table()
    told = run.predict(every[["w", "h", "price", "area", "kind"]])
    names = {"classes": ["kind"], "targets": ["price", "area"]}[task]
    predicted = np.array(told.probabilities if task == "classes" else told.values)
    rows = [
        np.flatnonzero(np.isclose(predicted, one, rtol=1e-5).all(axis=1))
        for one in found.predictions
    ]
    assert all(len(one) == 1 for one in rows)
    own = every.iloc[[int(one[0]) for one in rows]][names]
    if task == "classes":
        assert [load_trained(task).preprocessing.classes[n] for n in found.targets] == own[
            "kind"
        ].tolist()
    else:
        assert np.allclose(found.targets, own, rtol=1e-6)
    assert len(rows) == 50


@pytest.mark.parametrize(
    ("task", "ending", "first"),
    [
        ("binary", "png", b"\x89PNG"),
        ("multiclass", "svg", b"<?xml"),
        ("classes", "pdf", b"%PDF"),
        ("targets", "png", b"\x89PNG"),
    ],
)
def test_each_kind_is_drawn(
    seedbed: Command, row_runs: Path, tmp_path: Path, task: str, ending: str, first: bytes
) -> None:
    with contextlib.chdir(row_runs):
        out = tmp_path / f"x.{ending}"
        result = seedbed("plot", task, "--kind", KINDS[task], "--rows", "test", "--output", out)
    assert (result.code, result.out, result.err) == (0, f"figure: {out}\n", "")
    assert out.read_bytes().startswith(first)


def test_labelled_files_are_drawn_and_their_gaps_counted(
    seedbed: Command, row_runs: Path, tmp_path: Path
) -> None:
    labelled = table(60)
    labelled.loc[:6, "kind"] = None
    labelled.to_csv("new.csv", index=False)
    words = ["--kind", "confusion", "--file", "new.csv", "--output", "x.svg"]
    result = seedbed("plot", row_runs / "classes", *words)
    assert result.err == "note: 7 of 60 rows of new.csv have no value in 'kind', and are left out\n"
    assert "53 rows of new.csv, 7 left out" in Path("x.svg").read_text()
    told = front.load_run(row_runs / "classes").plot("confusion", labelled)
    assert told.notes == [
        "7 of 60 rows of the table in memory have no value in 'kind', and are left out"
    ]
    result = seedbed("plot", row_runs / "classes", *words[:3], row_runs / "table.csv", *words[4:])
    assert "is the file that the run was trained on" in result.err


def test_the_figure_tells_what_it_shows(there: Path) -> None:
    figure = front.load_run("classes").plot("confusion")
    found = outputs("classes")
    matrix = confusion_of(found.predictions, found.targets)
    axes, _ = figure.axes
    assert "50 validation rows" in figure.get_suptitle()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class (rows)")
    counts = [int(text.get_text().split("\n")[0]) for text in axes.texts]
    assert counts == matrix.counts.ravel().tolist()
    assert axes.get_yticklabels()[0].get_text() == f"no ({matrix.counts[0].sum()})"
    assert np.array_equal(axes.images[0].get_array(), matrix.shares)


def test_curves_points_and_bars_are_the_numbers(there: Path) -> None:
    found = outputs("multiclass", "test")
    curves, _ = rocs_of(found.predictions, found.targets)
    (axes,) = front.load_run("multiclass").plot("roc", "test").axes
    drawn = {tuple(line.get_ydata()) for line in axes.lines[1:]}
    assert drawn == {tuple(one.hits) for one in curves}
    residuals = residuals_of(
        found.predictions[:, :1],
        found.targets[:, None] * 1.0,
        load_trained("targets").preprocessing,
    )
    assert [one.name for one in residuals] == ["price_1"]
    figure = front.load_run("targets").plot("residuals")
    assert len(figure.axes) == 6
    whole = outputs("targets")
    assert list(figure.axes[0].lines[1].get_ydata()) == whole.predictions[:, 0].tolist()
    assert figure.axes[2].patches[0].get_data().values.sum() == 50
    upper, lower = front.load_run("classes").plot("calibration").axes
    assert sum(patch.get_height() for patch in lower.patches) == 50
    assert "ECE" in upper.figure.get_suptitle()


def test_python_gives_figures_and_leaves_pyplot_alone(there: Path) -> None:
    before = set(sys.modules)
    figure = front.load_run("binary").plot("calibration", checkpoint="best")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure.notes[0].startswith("expected calibration error (ECE)")
    assert "matplotlib.pyplot" not in set(sys.modules) - before
    with pytest.raises(ArgumentError, match=r"\(task regression\); give kind='residuals'$"):
        front.load_run("targets").plot("roc")
    with pytest.raises(ArgumentError, match="kind: no kind 'curves' of one run; there are conf"):
        front.load_run("targets").plot("curves")
    with pytest.raises(ArgumentError, match="rows: no rows 'train'; there are val and test"):
        front.load_run("targets").plot("residuals", "train")
    run = front.load_run("classes")
    with pytest.raises(ArgumentError, match="targets are of rows that are given, not of 'val'"):
        run.plot("roc", targets=[1])
    assert run.plot("roc", table(40)[["w", "h", "area"]], table(40)["kind"]).axes
