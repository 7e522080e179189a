"""`seedbed evaluate`: the numbers are those of a run's test rows, and those of scikit-learn."""

import copy
import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from data.test_rows_in_every_form import WRITERS
from sklearn import metrics as sk
from support.command_line import Command
from support.houses import houses, write_csv
from support.single_runs import train

from seedbed.data.labelled_rows import LabelledRows
from seedbed.data.splits import split_rows
from seedbed.runs.reader import read_json
from seedbed.tasks.head import TaskHead
from seedbed.views.evaluate import evaluated as evaluate
from seedbed.views.trained import load_trained

TASKS = {
    "regression": ["data.target=price"],
    "two targets": ["data.target=[price,rooms_]"],
    "binary": ["data.target=garden"],
    "multiclass": ["data.target=kind"],
    "one logit a class": ["data.target=garden", "loss=cross_entropy"],
    "smoothed": ["data.target=kind", "loss=cross_entropy", "loss.label_smoothing=0.1"],
}
SPLIT = ["data.split={validation:0.2,test:0.3,seed:3}"]


def table() -> dict[str, list[Any]]:
    columns = houses()
    columns["rooms_"] = [1.0 if one is None else float(one) for one in columns["rooms"]]
    columns["region"] = ["north", "south", "", "a|b", "=1+1"] * (len(columns["id"]) // 5)
    return columns


def rows_of(columns: dict[str, list[Any]], which: Any) -> dict[str, list[Any]]:
    return {name: [cells[row] for row in which] for name, cells in columns.items()}


@pytest.fixture(scope="module", params=TASKS)
def task(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run of each task, and the rows that it was tested on."""
    folder = tmp_path_factory.mktemp("task")
    columns = table()
    write_csv(folder / "all.csv", columns)
    words = [*TASKS[request.param], *SPLIT, "data.drop=[id,region]", "trainer.epochs=3"]
    trained = train(folder / "run", "data=csv", f"data.path={folder / 'all.csv'}", *words)
    preprocessing = trained.plan.head.preprocessing
    classes = columns[preprocessing.target[0]] if preprocessing.classes else None
    rows = split_rows(trained.plan.config.data.split, 0, len(columns["id"]), classes)["test"]
    return folder / "run", rows_of(columns, rows.tolist())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tells `kind` by `area`, `city` and `floors`."""
    folder = tmp_path_factory.mktemp("kinds")
    write_csv(folder / "all.csv", table())
    words = ["data.target=kind", "data.features=[area,city,floors]", "trainer.epochs=2"]
    train(folder / "run", "data=csv", f"data.path={folder / 'all.csv'}", *words)
    return folder / "run"


def evaluated(seedbed: Command, run: Path, *words: object) -> dict[str, Any]:
    result = seedbed("evaluate", run, *words, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def values(found: dict[str, Any]) -> dict[str, float]:
    return {name: one["value"] for name, one in found["metrics"].items()}


def written(path: Path, columns: dict[str, list[Any]]) -> Path:
    by_ending = {".csv": "python's csv", ".tsv": "tsv", ".parquet": "parquet"}
    WRITERS[by_ending[path.suffix]][1](path, columns)
    return path


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_the_runs_own_test_rows_have_its_test_metrics(
    task: Any, seedbed: Command, tmp_path: Path, ending: str
) -> None:
    run, rows = task
    expected = {
        name.removeprefix("test/"): value
        for name, value in read_json(run / "result.json")["metrics"].items()
        if name.startswith("test/")
    }
    found = evaluated(seedbed, run, "--file", written(tmp_path / f"test{ending}", rows))
    assert values(found) == expected
    assert found["n"] == len(rows["id"])
    for one in found["metrics"].values():
        assert one["interval"] is None or one["interval"][0] <= one["value"] <= one["interval"][1]


def test_rows_in_memory_are_measured_as_the_file_is(
    task: Any, seedbed: Command, tmp_path: Path
) -> None:
    import pandas as pd

    import seedbed as front

    run, rows = task
    path = written(tmp_path / "test.parquet", rows)
    found = evaluated(seedbed, run, "--file", path, "--by", "region")
    opened = front.load_run(run)
    frame = pd.read_parquet(path)
    whole = opened.evaluate(frame, by="region")
    told = json.loads(json.dumps(whole.to_json()), parse_constant=lambda name: None)
    assert told == found
    names = opened._models.opened(None).preprocessing.target
    apart = opened.evaluate(frame.drop(columns=names), frame[names])
    assert apart.metrics == whole.metrics
    assert apart.intervals == whole.intervals
    plain = frame[names[0]].tolist() if len(names) == 1 else frame[names].to_numpy().tolist()
    assert opened.evaluate(frame.drop(columns=names), plain).metrics == whole.metrics
    assert whole.to_pandas().shape[0] == 1 + len(found["groups"])
    assert f"Evaluation on {len(frame)} rows, {len(found['groups'])} groups by region" in repr(
        whole
    )
    assert "<td>(all)</td>" in whole._repr_html_()


def test_scikit_learn_gives_the_same_numbers(task: Any, seedbed: Command, tmp_path: Path) -> None:
    run, rows = task
    path = written(tmp_path / "test.csv", rows)
    found = evaluated(seedbed, run, "--file", path)
    told = json.loads(seedbed("predict", run, "--file", path, "--json").out)
    preprocessing = read_json(run / "preprocessing.json")
    true = [rows[name] for name in preprocessing["target"]]
    expected: dict[str, Any]
    if "classes" not in told:
        y, predicted = np.array(true, dtype=float).T, np.array(told["predictions"])
        expected = {
            "mse": sk.mean_squared_error(y, predicted),
            "mae": sk.mean_absolute_error(y, predicted),
            "r2": sk.r2_score(y, predicted),
        }
        scaled = (y - predicted) / np.array(preprocessing["target_scale"])
        expected["loss"] = (scaled**2).mean()
    else:
        labels = told["classes"]
        y = np.array([labels.index(str(one).lower()) for one in true[0]])
        probability = np.array(told["probabilities"])
        binary = len(labels) == 2
        score = probability[:, 1] if binary else probability
        likeliest = probability.argmax(1)
        expected = {
            "accuracy": sk.accuracy_score(y, likeliest),
            "f1": sk.f1_score(y, likeliest, average="binary" if binary else "macro"),
            "auroc": sk.roc_auc_score(y, score, multi_class="ovr"),
            "loss": sk.log_loss(y, probability),
        }
    if "label_smoothing: 0.1" in (run / "config.yaml").read_text():
        smooth = 0.9 * np.eye(3)[y] + 0.1 / 3
        expected["loss"] = -(smooth * np.log(probability)).sum(axis=1).mean()
    assert values(found) == pytest.approx(expected, rel=1e-5)


def test_groups_are_the_rows_of_each_value(run: Path, seedbed: Command, tmp_path: Path) -> None:
    columns = table()
    found = evaluated(seedbed, run, "--file", written(tmp_path / "all.csv", columns),
                      "--by", "region")  # fmt: skip
    assert [one["group"] for one in found["groups"]] == ["=1+1", "a|b", "north", "south", None]
    assert sum(one["n"] for one in found["groups"]) == found["n"] == 80
    for one in found["groups"]:
        which = [row for row, name in enumerate(columns["region"]) if name == (one["group"] or "")]
        alone = evaluated(
            seedbed, run, "--file", written(tmp_path / "part.csv", rows_of(columns, which))
        )
        assert (alone["n"], values(alone)) == (one["n"], pytest.approx(values(one), nan_ok=True))
    assert "16 of 80 rows have no value in 'region': the last group" in found["notes"]


@pytest.mark.parametrize(
    ("by", "cells", "names"),
    [
        ("area", [10, 9.5, 100, None], ["9.5", "10", "100", None]),
        ("city", ["Rome", "Bonn", "NA", ""], ["Bonn", "NA", "Rome", None]),
        ("kind", ["flat", "villa", "flat", "barn"], ["barn", "flat", "villa"]),
        ("code", ["007", "7", "10", "7.0"], ["007", "7", "7.0", "10"]),
        ("truth", [True, False, None, True], ["False", "True", None]),
    ],
    ids=["numbers of the run", "names of the run", "the target", "codes", "truth values"],
)
def test_any_column_of_the_file_makes_groups(
    run: Path, seedbed: Command, tmp_path: Path, by: str, cells: list[Any], names: list[Any]
) -> None:
    columns = rows_of(table(), range(4)) | {"kind": ["flat", "villa", "flat", "barn"], by: cells}
    found = evaluated(seedbed, run, "--file", written(tmp_path / "x.csv", columns), "--by", by)
    assert [one["group"] for one in found["groups"]] == names


def test_what_is_not_defined_is_said_and_no_error(
    run: Path, seedbed: Command, tmp_path: Path
) -> None:
    columns = rows_of(table(), range(12)) | {"kind": ["villa", *["flat"] * 11]}
    columns["part"] = ["one", *["more"] * 11]
    result = seedbed(
        "evaluate", run, "--file", written(tmp_path / "x.csv", columns), "--by", "part"
    )
    assert result.code == 0
    one = next(line for line in result.out.splitlines() if line.startswith("one "))
    assert one.split()[1] == "1"
    assert one.endswith("-")
    assert "note: auroc is not defined in 2 of 2 groups and on all rows: a class is" in result.err
    assert (
        "note: no interval where loss, accuracy or f1 is the same on all rows drawn anew"
        in result.err
    )


def test_a_constant_target_has_no_r2(seedbed: Command, sum_run: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x1,x2,y\n1,2,3\n2,1,3\n")
    found = evaluated(seedbed, sum_run, "--file", "x.csv")
    assert found["metrics"]["r2"] == {"value": None, "interval": None}
    assert found["metrics"]["mse"]["value"] > 0
    assert any("r2 is not defined on these rows: the targets" in note for note in found["notes"])


def test_rows_without_a_label_are_left_out_and_counted(
    run: Path, seedbed: Command, tmp_path: Path
) -> None:
    columns = table()
    labelled = rows_of(columns, range(3, 80))
    columns["kind"][:3] = ["", None, " "]
    columns["part"] = ["unlabelled"] * 3 + ["other"] * 77
    found = evaluated(seedbed, run, "--file", written(tmp_path / "x.csv", columns), "--by", "part")
    alone = evaluated(seedbed, run, "--file", written(tmp_path / "y.csv", labelled))
    assert (found["n"], found["without_label"], alone["without_label"]) == (77, 3, 0)
    assert values(found) == values(alone)
    assert [one["n"] for one in found["groups"]] == [77, 0]
    assert "3 of 80 rows of x.csv have no value in 'kind', and are left out" in found["notes"]
    assert "1 of 2 groups have no row with a label" in found["notes"]


BAD: dict[str, tuple[Callable[[dict[str, list[Any]]], Any], list[str], str]] = {
    "no label column": (
        lambda columns: columns.update(kinds=columns.pop("kind")), [],
        "--file: no column 'kind' in x.csv, which is what the run predicts and is measured "
        "against; columns are",
    ),
    "unknown classes": (
        lambda columns: columns["kind"].__setitem__(slice(2, 4), ["vila", "hut"]), [],
        "data.target: class 'vila' of x.csv (row 3 and 1 more) is not among the training rows; "
        "they have barn, flat, villa; did you mean 'villa'?",
    ),
    "no labels at all": (
        lambda columns: columns.update(kind=[None] * 80), [],
        "--file: no row of x.csv has a value in 'kind'; there is nothing to measure against",
    ),
    "no feature": (lambda columns: columns.pop("area"), [], "--file: no column 'area' in x.csv"),
    "no such groups": (
        lambda columns: None, ["--by", "regoin"], "--by: no column 'regoin' in x.csv;"
    ),
    "too many groups": (
        lambda columns: columns.update({n: c * 13 for n, c in columns.items()},
                                       id=list(range(1040))),
        ["--by", "id"],
        "--by: 'id' of x.csv has 1040 different values in 1040 rows; at most 1000 groups",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_file_is_told_in_one_line(
    run: Path, seedbed: Command, tmp_path: Path, name: str
) -> None:
    change, words, message = BAD[name]
    columns = table()
    change(columns)
    path = written(tmp_path / "x.csv", columns)
    result = seedbed("evaluate", run, "--file", path, *words)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith(f"error: {message}")


def test_arrays_are_measured_in_the_width_of_the_run(seedbed: Command, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(40, 3, 2)), draw.normal(size=(40, 2))
    part = np.repeat([1.5, np.nan], [30, 10])
    np.savez(tmp_path / "all.npz", x=x, y=y)
    words = ["data=npz", "data.path=all.npz", "data.features=[x]", "data.target=y"]
    words += ["model=sequential", "model.layers=[Flatten,{Linear:2}]"]
    words += ["data.split={validation:0.2,test:0}", "trainer.epochs=1"]
    run = seedbed("train", *words).run
    np.savez(tmp_path / "new.npz", x=x, y=y, part=part)
    found = evaluated(seedbed, run, "--file", "new.npz", "--by", "part")
    assert [(one["group"], one["n"]) for one in found["groups"]] == [("1.5", 30), (None, 10)]
    predicted = json.loads(seedbed("predict", run, "--file", "new.npz", "--json").out)
    mse = ((np.array(predicted["predictions"]) - y) ** 2).mean()
    assert found["metrics"]["mse"]["value"] == pytest.approx(mse, rel=1e-6)
    for name, arrays in {
        "labels": {"x": x, "y": y[:, :1]}, "rows": {"x": x[:, :2], "y": y}
    }.items():  # fmt: skip
        np.savez(tmp_path / f"{name}.npz", **arrays)
        result = seedbed("evaluate", run, "--file", f"{name}.npz")
        assert (result.code, len(result.err.splitlines())) == (2, 1), result.err
    assert "(2, 2)" in result.err
    told = seedbed("evaluate", run, "--file", "labels.npz").err
    assert "labels of labels.npz have 1 value a row ('y' 1); the run predicts 2" in told
    result = seedbed("evaluate", run, "--file", "new.npz", "--by", "x")
    assert result.errors == ["error: --by: 'x' of new.npz has values of the shape (3, 2) a row"]


def test_csv_and_markdown_hold_what_json_does(run: Path, seedbed: Command, tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", table())
    found = evaluated(seedbed, run, "--file", path, "--by", "region")
    text = seedbed("evaluate", run, "--file", path, "--by", "region", "--csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["group"] for row in rows] == [
        "(all)", "'=1+1", "a|b", "north", "south", "(missing)"
    ]  # fmt: skip
    assert float(rows[1]["accuracy"]) == found["groups"][0]["metrics"]["accuracy"]["value"]
    assert float(rows[0]["loss_low"]) == found["metrics"]["loss"]["interval"][0]
    lines = seedbed("evaluate", run, "--file", path, "--by", "region", "--md").out.splitlines()
    assert len(lines) == 8
    assert lines[4].startswith(r"| a\|b | 16 | ")


@pytest.mark.parametrize("words", [[], ["--json"], ["--csv"], ["--md"]], ids=str)
def test_hostile_groups_are_written_out(
    run: Path, seedbed: Command, tmp_path: Path, words: list[str]
) -> None:
    hostile = ["\x1b[2J", "a\x9b2J", "\u202eevil", "<script>", "two\nlines", None]
    name = "part\x1b[2J"
    columns = rows_of(table(), range(12)) | {name: hostile * 2}
    path = written(tmp_path / "x\x1b.parquet", columns)
    result = seedbed("evaluate", run, "--file", path, "--by", name, *words)
    assert result.code == 0
    text = result.out + result.err
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), ascii(text)
    assert "--md" not in words or "<script>" not in result.out
    assert r"2 of 12 rows have no value in 'part\x1b[2J': the last group" in result.err


def test_the_training_file_is_told(run: Path, seedbed: Command) -> None:
    result = seedbed("evaluate", run, "--file", run.parent / "all.csv")
    assert "note: 'all.csv' is the file that the run was trained on" in result.err
    assert result.out.startswith("80 rows of all.csv:\nmetric")


def test_the_best_checkpoint_is_measured(run: Path, seedbed: Command, tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", table())
    best = evaluated(seedbed, run, "--file", path, "--checkpoint", "best")
    assert values(best) == values(evaluated(seedbed, run, "--file", path))
    last = evaluated(seedbed, run, "--file", path, "--checkpoint", "last")
    assert set(values(last)) == set(values(best))


class OwnLoss(torch.nn.Module):
    """The mean of squares, in a form that cannot be taken for many resamples at once."""

    def forward(self, output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.tensor((output - y).square().mean().item())


@pytest.mark.parametrize("loss", [OwnLoss(), torch.nn.MSELoss(reduction="sum")], ids=["own", "sum"])
def test_the_interval_of_a_loss_is_that_of_its_own_reduction(
    loss: torch.nn.Module, seedbed: Command, sum_run: Path
) -> None:
    trained = load_trained(sum_run)
    listed = "torch.nn.MSELoss" if isinstance(loss, torch.nn.MSELoss) else "own.Loss"
    head = TaskHead(listed, loss, trained.preprocessing)
    x = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    y = x.sum(axis=1, keepdims=True) + 1
    rows = LabelledRows(x, y, None, 0, [])
    one, other = (evaluate(replace(trained, head=own), rows).whole for own in (trained.head, head))
    factor = 1 if isinstance(loss, OwnLoss) else 30
    mean = other.values["loss"] / factor, *(end / factor for end in other.intervals["loss"] or ())
    assert mean == pytest.approx([one.values["loss"], *(one.intervals["loss"] or ())], rel=1e-5)


def test_a_loss_with_weights_of_its_own_is_not_told(sum_run: Path) -> None:
    trained = load_trained(sum_run)
    rows = LabelledRows(np.ones((3, 2), np.float32), np.ones((3, 1), np.float32), None, 0, [])
    own = OwnLoss()
    own.add_module("scale", torch.nn.Linear(1, 1))
    head = TaskHead("a loss", own, trained.preprocessing)
    found = evaluate(replace(trained, head=head), rows)
    assert np.isnan(found.whole.values["loss"])
    assert "the loss has weights of its own, which are not kept; it is not told" in found.notes


@pytest.mark.parametrize("value", [torch.nan, torch.inf], ids=str)
def test_a_model_that_gives_no_numbers_is_told(run: Path, value: float) -> None:
    trained = load_trained(run)
    model = copy.deepcopy(trained.model)
    [*model.parameters()][-1].data.fill_(value)
    width = trained.preprocessing.input_shape
    rows = LabelledRows(np.zeros((6, *width), np.float32), np.arange(6) % 3, None, 0, [])
    found = evaluate(replace(trained, model=model), rows)
    assert all(np.isnan(one) for one in found.whole.values.values())
    assert found.notes[0] == "the model gives no finite number for 6 of 6 rows"
    assert not any("a class is in none" in note for note in found.notes)


def test_predict_keeps_the_label_column(run: Path, seedbed: Command, tmp_path: Path) -> None:
    columns = rows_of(table(), range(5))
    for ending in (".csv", ".parquet"):
        path = written(tmp_path / f"labelled{ending}", columns)
        assert seedbed("predict", run, "--file", path, "--output", "out.csv").code == 0
        rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(), newline="")))
        assert [row["kind"] for row in rows] == columns["kind"]
        assert all(row["kind_prediction"] in ("barn", "flat", "villa") for row in rows)
