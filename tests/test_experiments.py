"""The shipped experiments on real data, against scikit-learn on the same rows."""

from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from support.single_runs import Trained, prepared, train

from seedbed.config.locations import own_conf

SEEDS = range(5)

pytestmark = pytest.mark.slow


def trained(path: Path, experiment: str, seed: int) -> Trained:
    run = train(path / "run", f"experiment={experiment}", f"seed={seed}")
    assert run.result["status"] == "completed"
    return run


def rows(run: Trained, part: str) -> tuple[object, object]:
    """The rows as our model saw them: split, imputed and standardized."""
    x, y = getattr(run.plan.data, part).tensors
    return x.numpy(), y.numpy().ravel()


@pytest.mark.parametrize(
    ("experiment", "seed"),
    [*(("digits", seed) for seed in SEEDS[:2]), *(("digits_mlp", seed) for seed in SEEDS)],
)
def test_digits_are_read_well(tmp_path: Path, experiment: str, seed: int) -> None:
    run = trained(tmp_path, experiment, seed)
    assert run.result["metrics"]["test/accuracy"] >= 0.97


@pytest.mark.parametrize("seed", SEEDS)
def test_breast_cancer_is_told_as_well_as_by_logistic_regression(tmp_path: Path, seed: int) -> None:
    run = trained(tmp_path, "breast_cancer", seed)
    plain = LogisticRegression(max_iter=5000).fit(*rows(run, "train"))
    assert run.result["metrics"]["test/accuracy"] >= plain.score(*rows(run, "test")) - 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_diabetes_is_foretold_as_well_as_by_ridge_regression(tmp_path: Path, seed: int) -> None:
    run = trained(tmp_path, "diabetes", seed)
    plain = Ridge().fit(*rows(run, "train"))
    assert run.result["metrics"]["test/r2"] >= plain.score(*rows(run, "test")) - 0.03


CURES = {
    "dropout": ["model.dropout=0.5"],
    "weight decay": ["optimizer.weight_decay=3"],
    "early stopping": ["trainer.early_stopping.patience=5", "trainer.select=best"],
}


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_each_cure_of_overfitting_cures_it(tmp_path: Path, seed: int) -> None:
    words = ["experiment=overfitting", f"seed={seed}"]
    plain = train(tmp_path / "plain", *words)
    losses = plain.history["val/loss"]
    assert losses.index(min(losses)) < 12
    assert losses[-1] > 1.2 * min(losses)
    for name, cure in CURES.items():
        cured = train(tmp_path / name, *words, *cure)
        for metric, gain in (("test/r2", 1), ("val/loss", -1)):
            better = cured.result["metrics"][metric] - plain.result["metrics"][metric]
            assert gain * better > 0.05, (name, metric)


@pytest.mark.parametrize(
    "experiment", sorted(path.stem for path in (own_conf() / "experiment").glob("*.yaml"))
)
def test_every_experiment_composes_and_trains(tmp_path: Path, experiment: str) -> None:
    words = ["trainer.epochs=1", "scheduler=none"]
    if experiment == "table":
        (tmp_path / "table.csv").write_text(
            "a,b,y\n" + "".join(f"{n},{n % 3},{n}\n" for n in range(20))
        )
        words += [f"data.path={tmp_path / 'table.csv'}", "data.target=y"]
    run = train(tmp_path / "run", f"experiment={experiment}", *words)
    assert run.result["status"] == "completed"
    assert prepared(f"experiment={experiment}", *words)[0].config.name == experiment
