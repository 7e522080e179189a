"""Quantiles: an output for each level, held to scikit-learn's pinball loss."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss
from support.command_line import Command
from support.single_runs import prepared, train
from support.stacked_runs import alone, assert_alike, planned, stacked, variants

import seedbed as front
from seedbed.components import AllowList
from seedbed.errors import NotAllowedError
from seedbed.fused.stackable import vmap_blocker
from seedbed.losses import QuantileLoss
from seedbed.views.predict import model_outputs
from seedbed.views.trained import load_trained

ROWS = 80
TABLE = ["data=csv", "data.path=rows.csv", "data.features=[a,b]", "data.split={validation:0.3}"]
QUANTILES = [*TABLE, "data.target=y", "loss=quantile", "trainer.epochs=3", "loader.batch_size=16"]
BOTH = [*QUANTILES, "data.target=[y,z]", "loss.quantiles=[0.2,0.5,0.9]"]


@pytest.fixture(autouse=True)
def _rows() -> None:
    drawn = np.random.default_rng(0)
    x = drawn.normal(size=(ROWS, 2))
    y = 30 + 10 * x @ [1, -0.5] + drawn.normal(size=ROWS) * 5
    z = -2 + x @ [0.1, 0.4] + drawn.exponential(size=ROWS)
    rows = [f"{a:.6f},{b:.6f},{i:.6f},{j:.6f}" for (a, b), i, j in zip(x, y, z, strict=True)]
    Path("rows.csv").write_text("\n".join(["a,b,y,z", *rows, ""]))


def pinball_of(y: Any, predicted: Any, levels: list[float]) -> float:
    """The mean over the levels of scikit-learn's, which is the mean over targets."""
    predicted = np.asarray(predicted).reshape(len(y), -1, len(levels))
    each = [mean_pinball_loss(y, predicted[..., i], alpha=q) for i, q in enumerate(levels)]
    return float(np.mean(each))


@pytest.mark.parametrize("words", [QUANTILES, BOTH], ids=["one target", "two targets"])
def test_loss_and_metrics_are_scikit_learn_s(tmp_path: Path, words: list[str]) -> None:
    run = train(tmp_path / "run", *words)
    assert list(run.history)[2:6] == ["train/loss", "val/loss", "val/pinball", "val/coverage"]
    levels = run.plan.head.quantiles
    x, y = run.plan.data.validation.tensors
    trained = load_trained(tmp_path / "run")
    outputs = model_outputs(trained, x.numpy()).double()
    told = run.result["metrics"]
    assert told["val/loss"] == pytest.approx(pinball_of(y, outputs, levels), rel=1e-5)
    preprocessing = run.plan.data.preprocessing
    scale, mean = np.array(preprocessing.target_scale), np.array(preprocessing.target_mean)
    own = y.double().numpy() * scale + mean
    predicted = trained.head.predictions(outputs).numpy().reshape(len(y), -1, len(levels))
    by_hand = outputs.numpy().reshape(len(y), -1, len(levels)) * scale[:, None] + mean[:, None]
    np.testing.assert_allclose(predicted, by_hand, rtol=1e-12)
    assert told["val/pinball"] == pytest.approx(pinball_of(own, predicted, levels), rel=1e-5)
    inside = (own >= predicted.min(axis=2)) & (own <= predicted.max(axis=2))
    assert told["val/coverage"] == pytest.approx(inside.mean())
    assert run.result["task"] == "quantiles"


def test_loss_of_a_batch_is_scikit_learn_s() -> None:
    torch.manual_seed(0)
    y, output = torch.randn(9, 2).double(), torch.randn(9, 6).double()
    found = QuantileLoss([0.1, 0.3, 0.9])(output, y)
    assert float(found) == pytest.approx(pinball_of(y, output, [0.1, 0.3, 0.9]), rel=1e-7)


def test_linear_model_comes_to_the_quantiles_of_scikit_learn(tmp_path: Path) -> None:
    words = ["loader=full_batch", "optimizer=adam", "optimizer.lr=0.05", "trainer.epochs=600"]
    words += ["scheduler=cosine", "model=sequential", "model.layers=[Linear]"]
    run = train(tmp_path / "run", *QUANTILES[:-1], *words, "data.split.validation=0")
    x, y = (one.numpy() for one in run.plan.data.train.tensors)
    trained = load_trained(tmp_path / "run")
    found = model_outputs(trained, x).double().numpy()
    wanted = [
        QuantileRegressor(quantile=q, alpha=0).fit(x, y.ravel()).predict(x) for q in (0.1, 0.5, 0.9)
    ]
    best = pinball_of(y, np.stack(wanted, axis=1), [0.1, 0.5, 0.9])
    assert pinball_of(y, found, [0.1, 0.5, 0.9]) == pytest.approx(best, rel=5e-3)
    assert run.result["metrics"]["train/loss"] == pytest.approx(best, rel=5e-3)


def test_runs_of_a_stack_are_as_alone() -> None:
    configs = variants(BOTH, [{}, {}, {"optimizer.lr": 0.05}])
    assert vmap_blocker(planned(configs)) is None
    assert_alike(stacked(configs), [alone(config) for config in configs])


def test_task_alone_takes_the_usual_levels() -> None:
    _, plan = prepared(*TABLE, "data.target=y", "data.task=quantiles")
    assert plan.head.quantiles == [0.1, 0.5, 0.9]
    assert plan.head.outputs == 3


def test_commands_take_a_run_of_quantiles(seedbed: Command, tmp_path: Path) -> None:
    words = ["seed=1,2", "sweep.fuse=always", "hydra.sweep.dir=s"]
    result = seedbed("train", "-m", *BOTH, *words)
    assert result.code == 0, result.err
    run = next((tmp_path / "s").glob("0_*"))
    said = json.loads(seedbed("predict", run, "--input", '[{"a": 0.5, "b": 1}]', "--json").out)
    assert said["quantiles"] == [0.2, 0.5, 0.9]
    assert len(said["predictions"][0]) == 6
    assert seedbed("predict", run, "--file", "rows.csv", "--output", "out.csv").code == 0
    columns = Path("out.csv").read_text().splitlines()[0].split(",")[4:]
    levels = ("0.2", "0.5", "0.9")
    assert columns == [f"{name}_quantile_{level}" for name in "yz" for level in levels]
    assert dict(front.load_run(run).predict([[0.5, 1.0]]).columns).keys() == set(columns)
    told = json.loads(seedbed("evaluate", run, "--file", "rows.csv", "--json").out)
    assert "coverage" in json.dumps(told)
    refused = seedbed("plot", run, "--kind", "residuals", "--output", "p.png")
    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "predicts several quantiles a row" in refused.errors[0]
    refused = seedbed("compare", "s", "--metric", "val/coverage")
    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "val/coverage is no better when it is higher" in refused.errors[0]
    again = seedbed("reproduce", run)
    assert (again.code, again.out.splitlines()[-1]) == (0, "identical"), again.err
    assert seedbed("train", *QUANTILES, "hydra.run.dir=one").code == 0
    assert seedbed("reproduce", "one").code == 0


def test_evaluation_on_the_validation_rows_is_that_of_the_run(
    seedbed: Command, tmp_path: Path
) -> None:
    lines = Path("rows.csv").read_text().splitlines()
    Path("held_out.csv").write_text("\n".join([lines[0], *lines[60:], ""]))
    words = [*BOTH, "data.validation_path=held_out.csv", "hydra.run.dir=one"]
    assert seedbed("train", *words).code == 0
    metrics = json.loads(Path("one/result.json").read_text())["metrics"]
    told = json.loads(seedbed("evaluate", "one", "--file", "held_out.csv", "--json").out)
    found = {name: told["metrics"][name] for name in ("loss", "pinball", "coverage")}
    for name, value in found.items():
        number = value["value"] if isinstance(value, dict) else value
        assert number == metrics[f"val/{name}"]


def test_levels_that_are_close_have_a_column_each(seedbed: Command) -> None:
    close = "loss.quantiles=[0.1,0.10000001,0.9]"
    assert seedbed("train", *QUANTILES, close, "hydra.run.dir=one").code == 0
    assert seedbed("predict", "one", "--file", "rows.csv", "--output", "out.csv").code == 0
    header, *rows = Path("out.csv").read_text().splitlines()
    levels = [name.partition("_quantile_")[2] for name in header.split(",") if "quantile" in name]
    assert levels == ["0.1", "0.10000001", "0.9"]
    assert {len(row.split(",")) for row in rows} == {len(header.split(","))}


REFUSED = {
    "falling": (["loss.quantiles=[0.9,0.1]"], "loss.quantiles must be"),
    "one": (["loss.quantiles=[0.5,1]"], "loss.quantiles must be"),
    "none": (["loss.quantiles=[]"], "loss.quantiles must be"),
    "a number": (["loss.quantiles=0.5"], "type 'loss.quantiles=[0.5]'"),
    "monitored": (["trainer.monitor=val/coverage"], "val/coverage is no better when it is higher"),
    "below 0": (["data.task=counts"], "data.task=counts takes numbers >= 0"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_levels_that_are_none_are_refused(seedbed: Command, words: str) -> None:
    asked, said = REFUSED[words]
    result = seedbed("train", *QUANTILES, *asked)
    assert (result.code, len(result.errors)) == (2, 1), result.err
    assert said in result.errors[0]


def test_levels_of_a_stranger_are_refused() -> None:
    spec = {"_target_": "seedbed.losses.QuantileLoss", "quantiles": [0.9, 0.1]}
    with pytest.raises(NotAllowedError, match="quantiles must rise between 0 and 1"):
        AllowList().build(spec, "loss")


def test_classes_have_no_quantiles(seedbed: Command) -> None:
    result = seedbed("train", "data=sklearn", "data.dataset=iris", "loss=quantile")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "loss=quantile does not fit the target" in result.errors[0]
