"""`import seedbed`: the functions, and what they give."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import seedbed as front
from seedbed import errors

LIGHT = """
import sys
before = set(sys.modules)
import seedbed
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new & {"torch", "hydra", "omegaconf", "numpy", "yaml", "rich"}), len(new))
print(sorted(set(seedbed.__all__) - set(dir(seedbed))))
"""


WORDS = ("data=sklearn", "trainer.epochs=2", "data.split.test=0.1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> front.Run:
    folder = tmp_path_factory.mktemp("api") / "run"
    return front.train(*WORDS, directory=folder)


def test_the_import_brings_nothing_heavy() -> None:
    line = [sys.executable, "-c", LIGHT]
    done = subprocess.run(line, capture_output=True, text=True, timeout=100, check=True)
    heavy, unlisted = done.stdout.splitlines()
    assert (heavy.partition("]")[0], unlisted) == ("[", "[]")


def test_every_name_is_there_and_a_wrong_one_is_refused() -> None:
    for name in front.__all__:
        assert getattr(front, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = front.trian  # type: ignore[attr-defined]


def test_the_function_sweep_outlives_the_import_of_the_room_of_that_name() -> None:
    program = "import seedbed, seedbed.sweep.job; print(callable(seedbed.sweep))"
    line = [sys.executable, "-c", program]
    done = subprocess.run(line, capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == "True\n"


def test_a_run_tells_what_its_directory_holds(run: front.Run) -> None:
    assert (run.status, run.error) == ("completed", None)
    assert run.config["data"]["dataset"] == "iris"
    assert {"train/loss", "val/loss", "val/accuracy", "test/loss"} <= set(run.metrics)
    assert run.best["epoch"] in (1, 2)
    assert run.history["epoch"].tolist() == [1, 2]
    assert run.history["val/loss"].dtype == np.float64
    assert "History of 2 epochs: epoch, step, train/loss" in repr(run.history)
    assert "completed: train/loss" in repr(run)
    assert "<td>completed</td>" in run._repr_html_()
    with pytest.raises(KeyError, match="did you mean 'val/loss'"):
        _ = run.history["val/los"]


def test_the_command_and_the_function_leave_the_same(run: front.Run, seedbed: Callable) -> None:
    other = front.load_run(seedbed("train", *WORDS).run)
    names = [
        [path.name.split(".tfevents")[0] for path in one.path.iterdir()] for one in (run, other)
    ]
    assert sorted(names[0]) == sorted(names[1])
    assert run.metrics == other.metrics
    assert run.config == other.config
    for name, weights in run.weights().items():
        assert np.array_equal(weights, other.weights()[name])


FEATURES = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.5, 1.5]]
FORMS = {
    "lists": ROWS,
    "tuples": tuple(map(tuple, ROWS)),
    "mappings": [dict(zip(FEATURES, row, strict=True)) for row in ROWS],
    "columns": {name: [row[at] for row in ROWS] for at, name in enumerate(FEATURES)},
    "columns in another order": {
        name: [row[at] for row in ROWS] for at, name in reversed([*enumerate(FEATURES)])
    },
    "array": np.array(ROWS),
    "array of float32": np.array(ROWS, dtype=np.float32),
    "numbers of NumPy": [list(row) for row in np.array(ROWS)],
    "tensor": torch.tensor(ROWS, dtype=torch.float64),
}


@pytest.mark.parametrize("rows", FORMS.values(), ids=FORMS)
def test_rows_of_every_form_have_the_command_s_predictions(
    run: front.Run, seedbed: Callable, rows: Any
) -> None:
    said = json.loads(seedbed("predict", run.path, "--input", json.dumps(ROWS), "--json").out)
    predicted = run.predict(rows)
    assert list(predicted) == said["predictions"] == np.array(predicted).tolist()
    assert predicted.probabilities == said["probabilities"]
    assert predicted.classes == said["classes"]
    assert list(predicted.columns) == [
        "target_prediction",
        *(f"probability_{c}" for c in predicted.classes),
    ]


WRONG_ROWS = {
    "a single row": ([1, 2, 3, 4], "rows: row 1 must be a list of 4 values"),
    "too narrow": ([[1, 2, 3]], "rows: row 1 has 3 values, the run takes 4"),
    "narrow array": (np.zeros((2, 3)), "rows: rows have 3 values, the run takes 4"),
    "no rows": ([], r"rows must be a list of rows such as"),
    "a number": (3, "rows must be a list of rows"),
    "unknown column": ([dict.fromkeys([*FEATURES, "sepal"], 1)], "unknown column 'sepal'"),
    "missing column": ({"sepal length (cm)": [1]}, "no column 'sepal width \\(cm\\)'"),
    "text": ([[1, 2, 3, "x"]], "rows: column 'petal width \\(cm\\)'"),
    "object": ([[1, 2, 3, object()]], "rows: row 1: 'petal width \\(cm\\)' must be a number"),
}


@pytest.mark.parametrize(("rows", "message"), WRONG_ROWS.values(), ids=WRONG_ROWS)
def test_wrong_rows_are_refused_in_one_line(run: front.Run, rows: Any, message: str) -> None:
    with pytest.raises(errors.DataError, match=message) as caught:
        run.predict(rows)
    assert len(caught.value.problems) == 1


def test_activations_are_those_of_inspect(run: front.Run, seedbed: Callable) -> None:
    line = ["inspect", run.path, "--layer", "hidden_layer_activation", "--json"]
    said = json.loads(seedbed(*line, "--input", json.dumps(ROWS)).out)
    values = run.activations(ROWS, layers=["hidden_layer_activation", "output"])
    assert values["hidden_layer_activation"].tolist() == said["layers"]["hidden_layer_activation"]
    assert values["output"].tolist() == said["output"]
    assert set(values) < set(run.activations(ROWS))
    with pytest.raises(errors.ArgumentError, match="layers: no layer 'hiden'"):
        run.activations(ROWS, layers=["hiden"])
    assert list(run.activations(ROWS, layers="output")) == ["output"]
    for number in (0, [0]):
        with pytest.raises(errors.ArgumentError, match="layers: the name of a layer is a text"):
            run.activations(ROWS, layers=number)  # type: ignore[arg-type]


def test_the_model_is_a_copy_of_its_own_in_evaluation_mode(run: front.Run) -> None:
    model = run.model()
    assert not model.training
    before = run.predict(ROWS)
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
    assert run.predict(ROWS) == before
    with pytest.raises(errors.ArgumentError, match="checkpoint must be 'last', 'best' or None"):
        run.model("first")


def test_summary_and_plot_show_themselves(run: front.Run) -> None:
    summary = run.summary()
    assert (summary.total, summary.trainable) == (67, 67)
    assert "Total params: 67" in repr(summary)
    assert run.plot()._repr_png_().startswith(b"\x89PNG")
    (axes,) = run.plot().axes
    assert [line.get_label() for line in axes.lines] == ["train/loss", "val/loss"]


def test_a_sweep_is_a_sequence_of_its_runs(tmp_path: Path) -> None:
    sweep = front.sweep("seed=range(0,3)", "trainer.epochs=1", directory=tmp_path / "sweep")
    assert (len(sweep), sweep.statuses, sweep.failed) == (3, {"completed": 3}, {})
    assert [run.config["seed"] for run in sweep] == [0, 1, 2]
    assert [run.path.parent for run in sweep[1:]] == [tmp_path / "sweep"] * 2
    assert [row["train/loss"] for row in sweep.results] == [
        run.metrics["train/loss"] for run in front.load_sweep(sweep.path)
    ]
    assert "3 completed" in repr(sweep)
    assert sweep._repr_html_().count("<tr>") == 4
    assert repr(front.resume(sweep.path)) == repr(sweep)


def test_a_failed_job_is_told_by_its_run(tmp_path: Path) -> None:
    sweep = front.sweep(
        "optimizer.lr=0.01,1e30", "trainer.epochs=3", "sweep.fuse=never", directory=tmp_path / "s"
    )
    assert sweep.statuses == {"completed": 1, "diverged": 1}
    assert [run.status for run in sweep] == ["completed", "diverged"]
    assert list(sweep.failed) == [sweep[1].path.name]


def test_a_run_goes_on_and_is_reproduced(tmp_path: Path) -> None:
    run = front.train("trainer.epochs=2", directory=tmp_path / "run")
    longer = front.resume(run.path, "trainer.epochs=4")
    assert isinstance(longer, front.Run)
    assert longer.history["epoch"].tolist() == [1, 2, 3, 4]
    assert front.resume(run.path).metrics == longer.metrics
    same = front.reproduce(run.path)
    assert same
    assert (same.identical, same.differences) == (True, [])
    history = run.path / "history.csv"
    history.write_text(history.read_text().replace("\n2,", "\n2,", 1).replace("0.001", "0.002", 1))
    other = front.reproduce(run.path)
    assert not other
    assert other.differences[0].startswith("history.csv, epoch 1")


def test_a_valid_config_is_reported_and_all_mistakes_are_raised_at_once() -> None:
    report = front.validate("data=sklearn")
    assert (report.rows, report.task, report.parameters) == (105, "multiclass", 67)
    assert str(report).startswith("valid: 105 rows to train on, multiclass")
    jobs = front.validate("seed=1,2,2", sweep=True)
    assert (jobs.jobs, jobs.notes) == (2, ["1 of 3 jobs repeat another's settings; left out"])
    with pytest.raises(errors.ConfigError) as caught:
        front.validate("+optimizer.lrr=1", "trainer.epochs=0")
    assert len(caught.value.problems) == 2


MISTAKES = {
    "key": ["optimizer.lrr=1"],
    "option": ["model=manuel"],
    "value": ["trainer.epochs=0"],
    "class": ["model._target_=os.system"],
    "no file": ["data=csv", "data.path=no.csv", "data.target=y"],
}


@pytest.mark.parametrize("words", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_have_the_command_s_words(words: list[str], seedbed: Callable) -> None:
    with pytest.raises(errors.SeedbedError) as caught:
        front.train(*words)
    result = seedbed("train", *words)
    assert result.code == 2
    assert [f"error: {problem}" for problem in caught.value.problems] == result.errors


WRONG_CALLS = {
    "no text": ((3,), errors.ArgumentError, "an override must be a text"),
    "a flag": (("--cfg",), errors.ArgumentError, "a flag of the command line"),
    "a sweep": (("hydra.mode=MULTIRUN",), errors.ConfigError, "call seedbed.sweep"),
}


@pytest.mark.parametrize(("words", "kind", "message"), WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_wrong_calls_are_refused(words: tuple[Any, ...], kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        front.train(*words)


def test_what_is_no_run_or_sweep_is_refused(tmp_path: Path, run: front.Run) -> None:
    with pytest.raises(errors.RunDirectoryError, match="does not exist"):
        front.load_run(tmp_path / "none")
    with pytest.raises(errors.RunDirectoryError, match="is no sweep"):
        front.load_sweep(run.path)
    with pytest.raises(errors.ConfigError, match="another hydra/launcher"):
        front.sweep("seed=1,2", "hydra/launcher=basic")
    assert not list(tmp_path.iterdir())


def test_what_the_user_s_own_code_raises_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def forward(self, x):\n"
        "        if len(x) == 3: raise ValueError('three')\n"
        "        return super().forward(x)\n"
    )
    words = ["model._target_=mine.Net", "allow=[mine]", "loader.batch_size=3", "trainer.epochs=1"]
    with pytest.raises(errors.RunFailedError, match=r"ValueError: three \(mine.py, line 4"):
        front.train(*words, directory=tmp_path / "run")
    assert front.load_run(tmp_path / "run").status == "failed"


def test_run_and_sweep_are_there_after_the_working_directory_changed(tmp_path: Path) -> None:
    run = front.train("trainer.epochs=1", directory="mine")
    sweep = front.sweep("trainer.epochs=1", "seed=1,2", directory="many")
    (tmp_path / "elsewhere").mkdir()
    with contextlib.chdir(tmp_path / "elsewhere"):
        assert run.status == "completed"
        assert run.path == tmp_path / "mine"
        assert [one.status for one in sweep] == ["completed", "completed"]
