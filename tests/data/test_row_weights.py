"""Weights of rows in the loss, against scikit-learn's `sample_weight` and torch's own losses."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from support.command_line import Command
from support.houses import prepared_data
from torch import nn
from torch.nn import functional

from seedbed.losses.focal import FocalLoss
from seedbed.losses.of_rows import weighted_mean
from seedbed.losses.quantile import QuantileLoss
from seedbed.losses.weighted import SmoothedBCE

DRAW = np.random.default_rng(5)
X = DRAW.normal(size=(90, 2))
W = DRAW.choice([0, 0.5, 1, 4], 90)
VALUE = X @ [1.5, -0.7] + DRAW.normal(size=90)
KIND = np.digitize(X[:, 0] + DRAW.normal(size=90), [-0.5, 0.6])
TO_THE_OPTIMUM = [
    *("data.split={validation:0,test:0,stratify:false}", "data.standardize=false"),
    *("loader=full_batch", "optimizer=adam", "optimizer.lr=0.05", "trainer.epochs=1500"),
    "trainer.early_stopping.patience=null",
    *("model=sequential", "model.layers=[{_target_: torch.nn.Linear, out_features: OUT}]"),
]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    cells = zip(X, W, VALUE, KIND, strict=True)
    lines = [f"{a:.6f},{b:.6f},{w},{v:.6f},{'xyz'[k]}" for (a, b), w, v, k in cells]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,b,w,v,kind", *lines, ""]))
    return path


def words(rows: Path, target: str, *more: str) -> list[str]:
    other = {"v": "kind", "kind": "v"}[target]
    where = ["data=csv", f"data.path={rows}", f"data.target={target}", f"data.drop=[{other}]"]
    return [*where, "data.weight=w", *more]


def optimum(outputs: int) -> list[str]:
    return [word.replace("OUT", str(outputs)) for word in TO_THE_OPTIMUM]


def weights(run: Path) -> list[np.ndarray]:
    return [one.numpy() for one in torch.load(run / "model.pth", weights_only=True).values()]


def test_weighted_regression_ends_where_scikit_learn_does(seedbed: Command, rows: Path) -> None:
    run = seedbed("train", *words(rows, "v", *optimum(1))).run
    theirs = Ridge(alpha=0).fit(X.round(6), VALUE.round(6), sample_weight=W)
    slope, bias = weights(run)
    np.testing.assert_allclose(slope[0], theirs.coef_, rtol=2e-3)
    np.testing.assert_allclose(bias[0], theirs.intercept_, rtol=2e-3, atol=2e-3)


def test_weights_of_rows_and_classes_end_where_scikit_learn_does(
    seedbed: Command, rows: Path
) -> None:
    more = [*optimum(3), "loss=cross_entropy", "'loss.class_weights={x: 3, y: 1, z: 0.5}'"]
    run = seedbed("train", *words(rows, "kind", *[word.strip("'") for word in more])).run
    model = LogisticRegression(
        C=np.inf, class_weight={0: 3, 1: 1, 2: 0.5}, tol=1e-10, max_iter=5000
    )
    theirs = model.fit(X.round(6), KIND, sample_weight=W)
    slope, bias = weights(run)
    logits = X @ slope.T + bias
    ours = torch.softmax(torch.tensor(logits), 1).numpy()
    np.testing.assert_allclose(ours, theirs.predict_proba(X), atol=3e-3)


LOSSES: dict[str, tuple[nn.Module, Any]] = {
    "mse": (nn.MSELoss(), "values"),
    "l1": (nn.L1Loss(), "values"),
    "huber": (nn.HuberLoss(delta=0.4), "values"),
    "smooth l1": (nn.SmoothL1Loss(beta=0.3), "values"),
    "quantile": (QuantileLoss([0.2, 0.8]), "levels"),
    "cross entropy": (nn.CrossEntropyLoss(), "classes"),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.2), "classes"),
    "class weights": (
        nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 5.0], dtype=torch.double), label_smoothing=0.1),
        "classes",
    ),
    "focal": (FocalLoss(2.0, torch.tensor([1.0, 2.0, 5.0], dtype=torch.double)), "classes"),
    "bce": (nn.BCEWithLogitsLoss(pos_weight=torch.tensor([3.0], dtype=torch.double)), "ones"),
    "smoothed bce": (SmoothedBCE(0.2), "ones"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_whole_weights_are_rows_that_stand_there_so_often(name: str) -> None:
    loss, kind = LOSSES[name]
    draw = torch.Generator().manual_seed(1)
    output = torch.randn(7, {"values": 2, "ones": 1, "levels": 4}.get(kind, 3), generator=draw)
    output, counts = output.double(), torch.tensor([0, 1, 2, 0, 3, 1, 1])
    target: torch.Tensor = torch.randn(7, 2, generator=draw).double()
    if kind == "classes":
        target = torch.tensor([0, 1, 2, 2, 1, 0, 2])
    elif kind == "ones":
        target = torch.tensor([0, 1, 1, 0, 1, 0, 1]).double()[:, None]
    if isinstance(loss, QuantileLoss):
        loss = loss.double()
    repeated = loss(output.repeat_interleave(counts, 0), target.repeat_interleave(counts, 0))
    found = weighted_mean(loss, output, target, counts.double(), None)
    assert float(found) == pytest.approx(float(repeated), rel=1e-12)


def test_a_batch_of_which_no_row_counts_moves_nothing() -> None:
    output = torch.randn(3, 1, requires_grad=True)
    loss = weighted_mean(nn.MSELoss(), output, torch.zeros(3, 1), torch.zeros(3), None)
    loss.backward()
    assert float(loss.detach()) == 0
    assert output.grad is not None
    assert not output.grad.any()


@pytest.mark.parametrize(
    ("target", "more"),
    [("v", []), ("kind", ["loss.class_weights=auto"]), ("kind", ["loss=focal"])],
)  # fmt: skip
def test_a_stack_is_its_runs_on_their_own(
    seedbed: Command, rows: Path, tmp_path: Path, target: str, more: list[str]
) -> None:
    more = [*more, "trainer.epochs=3", "loader.batch_size=16", "data.split.stratify=false"]
    more += ["optimizer=adam", "optimizer.lr=0.01", "data.folds=3", "data.split.test=0"]
    if target == "kind":
        more.append("loss=focal" if "loss=focal" in more else "loss=cross_entropy")
    swept = ["seed=1,2", "data.fold=0,1", "sweep.fuse=always", "sweep.workers=0"]
    asked = words(rows, target, *more)
    sweep = seedbed("train", "-m", *asked, *swept, f"hydra.sweep.dir={tmp_path / 'sweep'}").sweep
    one = seedbed("train", *asked, "seed=2", "data.fold=1", f"hydra.run.dir={tmp_path / 'one'}").run
    (job,) = sweep.glob("*seed=2*data.fold=1*")
    assert json.loads((job / "result.json").read_text())["engine"] == "fused"
    np.testing.assert_allclose(history(job), history(one), rtol=1e-4)
    assert seedbed("reproduce", one).code == 0


def history(run: Path) -> np.ndarray:
    with (run / "history.csv").open() as file:
        lines = list(csv.DictReader(file))
    return np.array([[float(line["train/loss"]), float(line["val/loss"])] for line in lines])


def test_train_loss_is_the_weighted_mean_of_the_whole_epoch(seedbed: Command, rows: Path) -> None:
    still = ["optimizer.lr=1e-30", "trainer.epochs=1", "loader.batch_size=8", "data.split.test=0"]
    run = seedbed("train", *words(rows, "v", *still, "data.split.validation=0")).run
    found = json.loads((run / "result.json").read_text())["metrics"]["train/loss"]
    told = seedbed("evaluate", run, "--file", rows, "--json").out
    assert found == pytest.approx(json.loads(told)["metrics"]["loss"]["value"], rel=1e-5)


def test_metrics_weigh_nothing_and_evaluate_takes_the_weights_of_its_file(
    seedbed: Command, rows: Path, tmp_path: Path
) -> None:
    run = seedbed("train", *words(rows, "kind", "trainer.epochs=2")).run
    without = tmp_path / "without.csv"
    lines = [line.split(",") for line in rows.read_text().splitlines()]
    without.write_text("\n".join(",".join([*one[:2], *one[3:]]) for one in lines) + "\n")
    ours, plain = (
        json.loads(seedbed("evaluate", run, "--file", file, "--json").out)
        for file in (rows, without)
    )
    values = [{k: one["value"] for k, one in each["metrics"].items()} for each in (ours, plain)]
    assert values[0]["accuracy"] == values[1]["accuracy"]
    assert values[0]["loss"] != pytest.approx(values[1]["loss"], rel=1e-3)
    assert any("has no column 'w' (data.weight)" in note for note in plain["notes"])
    assert seedbed("predict", run, "--file", without, "--json").code == 0


@pytest.mark.parametrize("target", ["v", "kind"])
def test_a_group_of_which_no_row_counts_has_no_loss(
    seedbed: Command, rows: Path, tmp_path: Path, target: str
) -> None:
    """A loss of 0 would be that of a model that is never wrong."""
    run = seedbed("train", *words(rows, target, "trainer.epochs=1")).run
    few = ["a,b,w,v,kind", *(f"{n / 7},1,0,{n},{'xyz'[n % 3]}" for n in range(6))]
    few += [f"{n / 5},2,{n % 2},{n},{'xyz'[n % 3]}" for n in range(6)]
    (tmp_path / "few.csv").write_text("\n".join([*few, ""]))
    asked = ("evaluate", run, "--file", tmp_path / "few.csv", "--by", "b")
    told = json.loads(seedbed(*asked, "--json").out)
    none, some = (one["metrics"]["loss"] for one in told["groups"])
    assert none == {"value": None, "interval": None}
    assert some["value"] == pytest.approx(told["metrics"]["loss"]["value"])
    assert 0 < some["interval"][0] <= some["interval"][1]
    assert (
        "loss is not defined in 1 of 2 groups: no row there has a weight above 0" in told["notes"]
    )


def test_the_weight_is_no_feature(rows: Path) -> None:
    data = prepared_data(*words(rows, "v"))
    assert [one.name for one in data.preprocessing.features] == ["a", "b"]
    assert data.train.tensors[1].shape[1] == 2


@pytest.mark.parametrize(
    ("cell", "told"),
    [("-1", "has -1 in row 3"), ("", "has no value in row 3"), ("1e31", "has 1e\\+31 in row 3")],
)
def test_wrong_weights_are_refused_with_their_row(
    seedbed: Command, rows: Path, cell: str, told: str
) -> None:
    lines = rows.read_text().splitlines()
    one = lines[3].split(",")
    lines[3] = ",".join([*one[:2], cell, *one[3:]])
    rows.write_text("\n".join(lines) + "\n")
    result = seedbed("train", *words(rows, "v"))
    (error,) = result.errors
    assert result.code == 2
    assert told.replace("\\", "") in error


@pytest.mark.parametrize(
    ("weight", "told"), [("0", "are 0, and"), ("1e-46", "are 0, or below 1.2e-38, the least")]
)
def test_weights_that_are_all_zero_are_refused(
    seedbed: Command, rows: Path, weight: str, told: str
) -> None:
    """Of weights that are 0 in float32 alone, no loss was told, or one of 0."""
    lines = [line.split(",") for line in rows.read_text().splitlines()]
    zero = [lines[0], *([*one[:2], weight, *one[3:]] for one in lines[1:])]
    rows.write_text("\n".join(map(",".join, zero)) + "\n")
    (error,) = seedbed("train", *words(rows, "v")).errors
    assert f"all weights of the train rows {told}" in error


@pytest.mark.parametrize(
    ("key", "part"), [("limit_batches", "validation"), ("overfit_batches", "train")]
)
def test_few_rows_of_which_none_counts_are_refused(
    seedbed: Command, rows: Path, key: str, part: str
) -> None:
    lines = rows.read_text().splitlines()
    counted = [one for number, one in enumerate(lines[1:]) if W[number]]
    zero = [",".join([*one.split(",")[:2], "0", *one.split(",")[3:]]) for one in lines[1:]]
    parts = {"few": zero[:9] + counted[:1] + zero[9:30], "many": counted}
    for name, own in parts.items():
        (rows.parent / f"{name}.csv").write_text("\n".join([lines[0], *own, ""]))
    path, held_out = ("many", "few") if part == "validation" else ("few", "many")
    result = seedbed("train", *words(rows, "v", f"data.path={rows.parent / path}.csv"),
                     f"data.validation_path={rows.parent / held_out}.csv", "data.split.test=0",
                     f"trainer.{key}=1", "loader.batch_size=3")  # fmt: skip
    (error,) = result.errors
    assert result.code == 2
    assert f"trainer.{key}=1 leaves 3 rows of the {part} rows, and data.weight=w is 0" in error


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["data.features=[a,w]"], "data.weight=w is in data.features too"),
        (["data.weight=v"], "data.weight=v is data.target"),
        (["data.weight=u"], "data.weight: no column 'u'"),
        (["data.weight=kind", "data.drop=[]"], "data.weight"),
        (["loss._target_=torch.nn.SoftMarginLoss"], "rows are weighed by the loss of each"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(seedbed: Command, rows: Path, more: list[str], told: str) -> None:
    result = seedbed("train", *words(rows, "v", *more))
    assert result.code == 2
    assert told in "".join(result.errors)


def test_torch_weighs_rows_of_a_batch_likewise() -> None:
    output, target = torch.randn(6, 1), torch.randn(6, 1)
    w = torch.tensor([0.0, 1, 2, 0.5, 1, 3])
    theirs = functional.mse_loss(output, target, weight=w[:, None])
    found = weighted_mean(nn.MSELoss(), output, target, w, None)
    assert float(found) == pytest.approx(float(theirs), rel=1e-5)
