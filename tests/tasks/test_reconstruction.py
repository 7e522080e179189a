"""Reconstruction: the inputs are the target, in their own units where people see them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.preprocessing import StandardScaler
from support.command_line import Command
from support.single_runs import prepared, train
from support.stacked_runs import alone, assert_alike, planned, stacked, variants, write_module

import seedbed as front
from seedbed.errors import DataError
from seedbed.fused.stackable import vmap_blocker
from seedbed.views.predict import model_outputs
from seedbed.views.trained import load_trained

ROWS = 80
TABLE = ["data=csv", "data.path=rows.csv", "data.split={validation:0.3}", "loader.batch_size=16"]
SELF = [*TABLE, "data.target=null", "data.task=reconstruction", "trainer.epochs=3"]
NUMBERS = [*SELF, "data.features=[a,b,c]"]


@pytest.fixture(autouse=True)
def _rows() -> None:
    drawn = np.random.default_rng(0)
    a, b = drawn.normal(5, 3, ROWS), drawn.normal(-1, 0.2, ROWS)
    c = a - 4 * b + drawn.normal(0, 0.5, ROWS)
    cities = np.array(["Rome", "Oslo", ""])[drawn.integers(0, 3, ROWS)]
    rows = [
        f"{i:.6f},{j:.6f},{k:.6f},{city}" for i, j, k, city in zip(a, b, c, cities, strict=True)
    ]
    Path("rows.csv").write_text("\n".join(["a,b,c,city", *rows, ""]))


def test_loss_is_of_the_inputs_and_metrics_in_their_own_units(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *NUMBERS)
    assert list(run.history)[2:6] == ["train/loss", "val/loss", "val/mse", "val/mae"]
    x, y = run.plan.data.validation.tensors
    assert torch.equal(x, y)
    outputs = model_outputs(load_trained(tmp_path / "run"), x.numpy())
    told = run.result["metrics"]
    assert told["val/loss"] == pytest.approx(float(torch.nn.MSELoss()(outputs, x)), rel=1e-6)
    table = np.genfromtxt("rows.csv", delimiter=",", skip_header=1, usecols=(0, 1, 2))
    kept = run.plan.data.train.tensors[0].numpy()
    scaler = StandardScaler().fit(table)
    scaler.mean_ = np.array(run.plan.data.preprocessing.target_mean)
    scaler.scale_ = np.array(run.plan.data.preprocessing.target_scale)
    own, found = scaler.inverse_transform(x), scaler.inverse_transform(outputs)
    nearest = np.abs(table[None] - own[:, None]).max(axis=2).min(axis=1)
    assert nearest.max() < 1e-5, "rows of the file come back"
    np.testing.assert_allclose(kept.mean(axis=0), 0, atol=1e-6)
    assert told["val/mse"] == pytest.approx(mean_squared_error(own, found), rel=1e-5)
    assert told["val/mae"] == pytest.approx(mean_absolute_error(own, found), rel=1e-5)


def test_linear_autoencoder_comes_to_principal_components(tmp_path: Path) -> None:
    words = ["loader=full_batch", "optimizer=adam", "optimizer.lr=0.02", "trainer.epochs=400"]
    words += ["model=sequential", "model.layers=[{Linear:2},Linear]", "data.split.validation=0"]
    run = train(tmp_path / "run", *TABLE[:-2], *NUMBERS[4:], *words)
    x = run.plan.data.train.tensors[0].numpy().astype(np.float64)
    oracle = PCA(2).fit(x)
    wanted = mean_squared_error(x, oracle.inverse_transform(oracle.transform(x)))
    assert run.result["metrics"]["train/loss"] == pytest.approx(wanted, rel=0.02)


def test_runs_of_a_stack_are_as_alone() -> None:
    configs = variants(SELF, [{}, {}, {"optimizer.lr": 0.05}])
    assert vmap_blocker(planned(configs)) is None
    assert_alike(stacked(configs), [alone(config) for config in configs])


def test_commands_take_a_run_that_reconstructs(seedbed: Command, tmp_path: Path) -> None:
    result = seedbed("train", "-m", *SELF, "seed=1,2", "sweep.fuse=always", "hydra.sweep.dir=s")
    assert result.code == 0, result.err
    run = next((tmp_path / "s").glob("0_*"))
    assert seedbed("predict", run, "--file", "rows.csv", "--output", "out.csv").code == 0
    names = ["a", "b", "c", "city=Oslo", "city=Rome", "city="]
    columns = [f"{name}_prediction" for name in names]
    assert Path("out.csv").read_text().splitlines()[0].split(",")[4:] == columns
    row = [{"a": 5.0, "b": -1.0, "c": 9.0, "city": "Rome"}]
    said = json.loads(seedbed("predict", run, "--input", json.dumps(row), "--json").out)
    found = front.load_run(run).predict(row)
    assert found.values == said["predictions"]
    assert list(found.columns) == columns
    measured = front.load_run(run).evaluate([list(row[0].values())])
    assert measured.metrics["mse"] > 0
    with pytest.raises(DataError, match="leave targets out"):
        front.load_run(run).evaluate(row, targets=[1])
    told = seedbed("evaluate", run, "--file", "rows.csv", "--by", "city")
    assert told.code == 0, told.err
    assert seedbed("plot", run, "--kind", "residuals", "--output", "p.png").code == 0
    checked = json.loads(seedbed("validate", *SELF, "--json").out)
    assert {one["role"] for one in checked["columns"]} == {"feature"}
    again = seedbed("reproduce", run)
    assert (again.code, again.out.splitlines()[-1]) == (0, "identical"), again.err
    assert seedbed("train", *SELF, "hydra.run.dir=one").code == 0
    assert seedbed("reproduce", "one").code == 0
    assert seedbed("summary", "one").code == 0


def test_evaluation_is_that_of_the_run(seedbed: Command) -> None:
    lines = Path("rows.csv").read_text().splitlines()
    Path("held_out.csv").write_text("\n".join([lines[0], *lines[60:], ""]))
    words = [*SELF, "data.validation_path=held_out.csv", "hydra.run.dir=one"]
    assert seedbed("train", *words).code == 0
    metrics = json.loads(Path("one/result.json").read_text())["metrics"]
    told = json.loads(seedbed("evaluate", "one", "--file", "held_out.csv", "--json").out)["metrics"]
    for name in ("loss", "mse", "mae"):
        assert told[name]["value"] == metrics[f"val/{name}"]


def test_images_and_sets_of_scikit_learn_are_reconstructed(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(3, 2, (40, 2, 4, 4))
    np.savez(tmp_path / "rows.npz", x=x)
    words = ["data=npz", f"data.path={tmp_path / 'rows.npz'}", *SELF[4:], "trainer.epochs=1"]
    words += ["model=sequential", "model.layers=[Flatten,{Linear:8},Linear]"]
    run = train(tmp_path / "run", *words)
    inputs, y = run.plan.data.train.tensors
    assert torch.equal(inputs.flatten(1), y)
    trained = load_trained(tmp_path / "run")
    own = run.plan.data.preprocessing.predictions(y.double().numpy())
    nearest = np.abs(own[:, None] - x.reshape(1, 40, 32)).max(axis=2).min(axis=1)
    assert nearest.max() < 1e-5
    assert len(trained.preprocessing.output_names) == 32
    _, plan = prepared("data=sklearn", "data.dataset=digits", "data.task=reconstruction")
    assert (plan.head.outputs, plan.data.preprocessing.classes) == (64, [])


REFUSED = {
    "a target": ([*SELF, "data.target=a"], "data.target=a; type data.target=null"),
    "no target": ([*TABLE, "data.target=null"], "data.target is null: name the column of rows.csv"),
    "classes": ([*SELF, "loss=focal"], "loss=focal does not fit the target"),
    "nobody's target": (TABLE, "data.target is missing"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_does_not_go_together_is_refused(seedbed: Command, words: str) -> None:
    asked, said = REFUSED[words]
    result = seedbed("train", *asked)
    assert (result.code, len(result.errors)) == (2, 1), result.err
    assert said in result.errors[0]


def test_datasets_of_ones_own_give_their_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seedbed: Command
) -> None:
    text = (
        "import torch\nfrom torch.utils.data import Dataset\n\n\nclass Rows(Dataset):\n"
        "    def __len__(self):\n        return 9\n\n    def __getitem__(self, index):\n"
        "        return torch.ones(2) * index, torch.ones(2)\n"
    )
    write_module(tmp_path, "own_images", text, monkeypatch)
    words = ["data=dataset", "+data.train._target_=own_images.Rows", "allow=[own_images]"]
    result = seedbed("train", *words, "data.task=reconstruction")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "give the inputs as y and type data.task=regression" in result.errors[0]
