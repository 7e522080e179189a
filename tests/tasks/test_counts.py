"""Counts: rates by Poisson's likelihood, held to torch's loss and to scikit-learn's deviance."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance
from support.command_line import Command
from support.single_runs import prepared, train
from support.stacked_runs import alone, assert_alike, planned, stacked, variants, write_module

from seedbed.fused.stackable import vmap_blocker
from seedbed.views.predict import model_outputs
from seedbed.views.trained import load_trained

ROWS = 80
TABLE = ["data=csv", "data.path=rows.csv", "data.features=[a,b]", "data.split={validation:0.3}"]
COUNTS = [*TABLE, "data.target=n", "data.task=counts", "trainer.epochs=3", "loader.batch_size=16"]


@pytest.fixture(autouse=True)
def _rows() -> None:
    drawn = np.random.default_rng(0)
    x = drawn.normal(size=(ROWS, 2))
    n, m = drawn.poisson(np.exp([x @ [0.5, -0.3] + 1, x @ [0.1, 0.4]]))
    rows = [f"{a:.6f},{b:.6f},{i},{j}" for (a, b), i, j in zip(x, n, m, strict=True)]
    Path("rows.csv").write_text("\n".join(["a,b,n,m", *rows, ""]))


def test_loss_and_metrics_are_those_of_torch_and_scikit_learn(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *COUNTS)
    assert list(run.history)[2:7] == [
        *("train/loss", "val/loss", "val/deviance", "val/mse", "val/mae")
    ]
    x, y = run.plan.data.validation.tensors
    outputs = model_outputs(load_trained(tmp_path / "run"), x.numpy()).double()
    told, rates = run.result["metrics"], outputs.exp()
    assert told["val/deviance"] == pytest.approx(mean_poisson_deviance(y, rates), rel=1e-6)
    assert told["val/mae"] == pytest.approx(float((rates - y).abs().mean()), rel=1e-6)
    assert told["val/loss"] == pytest.approx(float(torch.nn.PoissonNLLLoss()(outputs, y.double())))
    assert run.result["task"] == "counts"


def test_target_stays_in_its_own_unit_and_features_do_not() -> None:
    _, plan = prepared(*COUNTS)
    assert plan.data.preprocessing.target_scale is None
    x, y = plan.data.train.tensors
    assert set(y.ravel().tolist()) <= set(range(50))
    torch.testing.assert_close(x.mean(dim=0), torch.zeros(2), atol=1e-6, rtol=0)


def test_linear_model_comes_to_the_rates_of_scikit_learn(tmp_path: Path) -> None:
    words = ["loader=full_batch", "optimizer=adam", "optimizer.lr=0.05", "trainer.epochs=400"]
    words += ["model=sequential", "model.layers=[Linear]", "data.split.validation=0"]
    run = train(tmp_path / "run", *COUNTS[:-1], *words)
    x, y = (one.numpy() for one in run.plan.data.train.tensors)
    oracle = PoissonRegressor(alpha=0, tol=1e-8).fit(x, y.ravel())
    trained = load_trained(tmp_path / "run")
    found = trained.head.predictions(model_outputs(trained, x)).ravel()
    np.testing.assert_allclose(found, oracle.predict(x), rtol=2e-3)


def test_several_counts_train_together_as_they_do_alone() -> None:
    both = [*COUNTS, "data.target=[n,m]"]
    configs = variants(both, [{}, {}, {"optimizer.lr": 0.05}])
    assert vmap_blocker(planned(configs)) is None
    assert_alike(stacked(configs), [alone(config) for config in configs])


def test_commands_take_a_run_of_counts(seedbed: Command, tmp_path: Path) -> None:
    result = seedbed("train", "-m", *COUNTS, "seed=1,2", "sweep.fuse=always", "hydra.sweep.dir=s")
    assert result.code == 0, result.err
    run = next((tmp_path / "s").glob("0_*"))
    said = json.loads(seedbed("predict", run, "--input", '[{"a": 0.5, "b": 1}]', "--json").out)
    assert said["predictions"][0][0] > 0
    assert seedbed("predict", run, "--file", "rows.csv", "--output", "out.csv").code == 0
    assert Path("out.csv").read_text().splitlines()[0] == "a,b,n,m,n_prediction"
    told = seedbed("evaluate", run, "--file", "rows.csv")
    assert re.search(r"deviance .*\nmse .*\nmae ", told.out)
    assert seedbed("plot", run, "--kind", "residuals", "--output", "p.png").code == 0
    assert seedbed("summary", run).code == 0
    again = seedbed("reproduce", run)
    assert (again.code, again.out.splitlines()[-1]) == (0, "identical"), again.err
    assert seedbed("train", *COUNTS, "hydra.run.dir=one").code == 0
    assert seedbed("reproduce", "one").code == 0


def test_counts_below_zero_are_refused(seedbed: Command) -> None:
    text = Path("rows.csv").read_text().splitlines()
    a, b, _, m = text[5].split(",")
    Path("rows.csv").write_text("\n".join([*text[:5], f"{a},{b},-2,{m}", *text[6:], ""]))
    result = seedbed("train", *COUNTS)
    assert (result.code, len(result.errors)) == (2, 1)
    assert (
        "data.target: rows.csv holds -2 (row 5), and data.task=counts takes numbers >= 0"
        in (result.errors[0])
    )


def test_negative_counts_of_labelled_rows_are_refused(seedbed: Command) -> None:
    assert seedbed("train", *COUNTS, "hydra.run.dir=one").code == 0
    Path("more.csv").write_text("a,b,n\n1,2,3\n1,2,-1\n")
    result = seedbed("evaluate", "one", "--file", "more.csv")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "more.csv holds -1 (row 2)" in result.errors[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data.target=n", "loss=poisson"], "if its values are counts, type data.task=counts"),
        (["data.target=n", "data.task=counts", "loss=mse"], "loss=mse does not fit"),
        (["data.target=n", "data.task=count"], "did you mean 'counts'?"),
    ],
)
def test_losses_and_tasks_that_do_not_go_together(
    seedbed: Command, words: list[str], said: str
) -> None:
    result = seedbed("train", *TABLE, *words)
    assert (result.code, len(result.errors)) == (2, 1)
    assert said in result.errors[0]


def test_counts_of_a_dataset_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seedbed: Command
) -> None:
    text = (
        "import torch\nfrom torch.utils.data import Dataset\n\n\nclass Rows(Dataset):\n"
        "    def __init__(self, least=0):\n        self.least = least\n\n"
        "    def __len__(self):\n        return 20\n\n    def __getitem__(self, index):\n"
        "        return torch.ones(2) * index, float(index % 4 + self.least)\n"
    )
    write_module(tmp_path, "own_counts", text, monkeypatch)
    words = ["data=dataset", "+data.train._target_=own_counts.Rows", "allow=[own_counts]"]
    words += ["data.task=counts", "trainer.epochs=2", "data.split.validation=0.2"]
    assert "val/deviance" in train(tmp_path / "run", *words).history
    result = seedbed("train", *words, "+data.train.least=-1")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "Rows[0] gives y -1, and data.task=counts takes numbers >= 0" in result.errors[0]
