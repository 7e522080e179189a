"""Pictures of a run on its rows: its own predictions, its own rows, and what cannot be drawn."""

import contextlib
import json
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.cbook import is_math_text
from sklearn import metrics as sk
from support.command_line import Command

import seedbed as front
from seedbed.errors import ArgumentError, DataError, NotAllowedError
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening
from seedbed.views.class_rows import confusion_of, rocs_of
from seedbed.views.drawing import text_of
from seedbed.views.own_rows import RowOutputs, split_outputs
from seedbed.views.residuals import residuals_of
from seedbed.views.trained import load_trained

SPLIT = ["data.split={validation:0.25,test:0.25,seed:3}", "trainer.epochs=4"]
TASKS = {
    "binary": ["data=sklearn", "data.dataset=breast_cancer"],
    "multiclass": ["data=sklearn", "data.dataset=iris"],
    "targets": ["data=csv", "data.path=table.csv", "data.target=[price,area]", "model.hidden=[8]"],
    "classes": ["data=csv", "data.path=table.csv", "data.target=kind", "data.drop=[price]"],
}
KINDS = {"binary": "confusion", "multiclass": "roc", "targets": "residuals", "classes": "confusion"}


def table(rows: int = 200) -> pd.DataFrame:
    draws = np.random.default_rng(0)
    w, h = draws.normal(size=(2, rows)).round(3)
    price, area = 1e5 + 3e4 * w - 1e4 * h**2, 120 + 4 * h
    return pd.DataFrame(
        {"w": w, "h": h, "price": price, "area": area, "kind": np.where(w > h, "yes", "no")}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each task, in the folder that its data lies in."""
    folder = tmp_path_factory.mktemp("rows")
    with contextlib.chdir(folder):
        table().to_csv("table.csv", index=False)
        for name, words in TASKS.items():
            front.train(*words, *SPLIT, directory=name)
    return folder


@pytest.fixture
def there(folder: Path) -> Iterator[Path]:
    with contextlib.chdir(folder):
        yield folder


def outputs(run: str, rows: str = "val") -> RowOutputs:
    paths = RunPaths(Path(run))
    with opening(run) as bounds:
        return split_outputs(load_trained(run), paths, rows, bounds)


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
    seedbed: Command, folder: Path, tmp_path: Path, task: str, ending: str, first: bytes
) -> None:
    with contextlib.chdir(folder):
        out = tmp_path / f"x.{ending}"
        result = seedbed("plot", task, "--kind", KINDS[task], "--rows", "test", "--output", out)
    assert (result.code, result.out, result.err) == (0, f"figure: {out}\n", "")
    assert out.read_bytes().startswith(first)


def test_labelled_files_are_drawn_and_their_gaps_counted(
    seedbed: Command, folder: Path, tmp_path: Path
) -> None:
    labelled = table(60)
    labelled.loc[:6, "kind"] = None
    labelled.to_csv("new.csv", index=False)
    words = ["--kind", "confusion", "--file", "new.csv", "--output", "x.svg"]
    result = seedbed("plot", folder / "classes", *words)
    assert result.err == "note: 7 of 60 rows of new.csv have no value in 'kind', and are left out\n"
    assert "53 rows of new.csv, 7 left out" in Path("x.svg").read_text()
    told = front.load_run(folder / "classes").plot("confusion", labelled)
    assert told.notes == [
        "7 of 60 rows of the table in memory have no value in 'kind', and are left out"
    ]
    result = seedbed("plot", folder / "classes", *words[:3], folder / "table.csv", *words[4:])
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
    seedbed: Command, folder: Path, tmp_path: Path, name: str
) -> None:
    words, said = WRONG[name]
    with contextlib.chdir(folder):
        result = seedbed("plot", *words, "--output", tmp_path / "x.png")
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert said in line
    assert not (tmp_path / "x.png").exists()


def test_a_picture_needs_a_file_that_can_be_written(seedbed: Command, folder: Path) -> None:
    result = seedbed("plot", folder / "binary", "--kind", "roc")
    assert result.errors == [
        "error: plot: --kind roc needs a file to draw to; type --output roc.png"
    ]
    (line,) = seedbed("plot", folder / "binary", "--kind", "roc", "--output", "x.gif").errors
    assert "must end in .png, .svg or .pdf" in line
    (line,) = seedbed("plot", folder / "binary", "--kind", "roc", "--output", "no/x.png").errors
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


def test_rows_of_one_class_have_no_curve(seedbed: Command, folder: Path) -> None:
    """MLflow ended on such rows (issue 16092)."""
    rows = table(60)
    rows[rows["kind"] == "yes"].to_csv("yes.csv", index=False)
    words = ("plot", folder / "classes", "--file", "yes.csv", "--output", "x.png", "--kind")
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
def moved(folder: Path, tmp_path: Path) -> Path:
    """A copy of a run and of its data in another folder."""
    shutil.copytree(folder / "classes", tmp_path / "run")
    shutil.copy(folder / "table.csv", tmp_path / "here.csv")
    return tmp_path / "run"


def drawn(seedbed: Command, run: Path, *words: str) -> Any:
    return seedbed("plot", run, *words, "--kind", "confusion", "--output", "x.png")


def test_data_that_moved_can_be_named(seedbed: Command, moved: Path) -> None:
    (line,) = drawn(seedbed, moved).errors
    assert "no file 'table.csv'" in line
    assert "type data.path=FILE after the run" in line
    assert drawn(seedbed, moved, "data.path=here.csv").code == 0


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


def test_a_scale_of_another_run_is_refused(seedbed: Command, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "targets", "run")
    shutil.copy(folder / "table.csv", "table.csv")
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


def test_rows_without_a_finite_prediction_are_counted(seedbed: Command, folder: Path) -> None:
    shutil.copytree(folder / "targets", "run")
    shutil.copy(folder / "table.csv", "table.csv")
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


HOSTILE = ["$\\alpha_{", "<script>alert(1)</script>", "--><svg onload=alert(1)>", "x" * 500,
           "a\nb\tc", "\x1b[2J\x9b", "$x$", "\\frac{1}{0}", "&amp;\u202e", "\u4e2d\u6587", "''",
           "%s{0}"]  # fmt: skip


def test_hostile_names_are_inert(seedbed: Command) -> None:
    rows = 20 * len(HOSTILE)
    draws = np.random.default_rng(0).normal(size=(rows, 3))
    names = [HOSTILE[n % len(HOSTILE)].replace("\x1b", "").replace("\x9b", "") for n in range(rows)]
    frame = pd.DataFrame({"a": draws[:, 0], "b": draws[:, 1], "k$_{": names})
    frame.to_parquet("rows.parquet")
    words = ["data=parquet", "data.path=rows.parquet", 'data.target="k$_{"', *SPLIT]
    run = front.train(*words, directory="run$\\beta_{")
    for kind in ("confusion", "roc", "calibration"):
        result = seedbed("plot", run.path, "--kind", kind, "--output", "x.svg")
        assert result.code == 0, result.err
        text = Path("x.svg").read_text()
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
        assert not tags & {"script", "a", "foreignObject", "image"} - {"image"}
        assert "<script" not in text
        assert "onload=" not in text.replace("&lt;svg onload=", "")
        assert result.err.isprintable() or "\x1b" not in result.err


def test_a_name_cannot_begin_a_line_of_its_own(seedbed: Command) -> None:
    frame = table(60)
    frame["kind"] = np.where(frame["kind"] == "yes", "a\nerror: x", "b")
    frame.to_parquet("rows.parquet")
    frame[frame["kind"] == "b"].to_parquet("b.parquet")
    words = ["data=parquet", "data.path=rows.parquet", "data.target=kind", *SPLIT]
    front.train(*words, directory="run")
    result = seedbed(
        "plot", "run", "--kind", "confusion", "--file", "b.parquet", "--output", "x.png"
    )
    assert result.err == "note: no row is of 'a error: x', whose line is empty\n"


def test_a_title_that_is_no_formula_is_drawn_as_it_is() -> None:
    for name in HOSTILE:
        text = text_of(name)
        assert "\n" not in text
        assert "\t" not in text
        assert not is_math_text(text)
