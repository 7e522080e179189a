"""Early stopping, the best epoch, and which epoch's weights `model.pth` holds."""

from pathlib import Path

import pytest
import torch
from support.single_runs import Trained, same_weights, train

OVERFITTING = [
    "data=sklearn", "data.dataset=diabetes", "model.hidden=[64]", "optimizer=adam",
    "optimizer.lr=0.01", "loader.batch_size=64", "data.split={validation:0.2,test:0.1}",
]  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Twenty epochs of a network that is too large for its data."""
    return train(tmp_path_factory.mktemp("whole") / "run", *OVERFITTING, "trainer.epochs=20")


def best_epoch(run: Trained, column: str = "val/loss", *, higher: bool = False) -> int:
    values = run.history[column]
    return values.index(max(values) if higher else min(values)) + 1


def test_training_stops_after_as_many_epochs_without_a_better_one(
    tmp_path: Path, whole: Trained
) -> None:
    stopped = train(tmp_path / "run", *OVERFITTING, "trainer.epochs=20", "trainer.early_stopping=3")
    losses = whole.history["val/loss"]
    expected = next(
        epoch
        for epoch in range(4, 21)
        if min(losses[: epoch - 3]) <= min(losses[epoch - 3 : epoch])
    )
    assert stopped.result["epochs"] == expected < 20
    assert stopped.result["status"] == "completed"
    assert stopped.history["val/loss"] == losses[:expected]


@pytest.mark.parametrize("patience", [1, 3])
def test_a_gain_below_min_delta_does_not_count(tmp_path: Path, patience: int) -> None:
    words = [f"trainer.early_stopping.patience={patience}", "trainer.early_stopping.min_delta=1e9"]
    run = train(tmp_path / "run", *words)
    assert run.result["epochs"] == 1 + patience
    assert run.result["best"]["epoch"] == 1


def test_the_best_checkpoint_is_the_best_epoch_s(tmp_path: Path, whole: Trained) -> None:
    epoch = best_epoch(whole)
    assert 1 < epoch < 20
    assert whole.result["best"] == {"epoch": epoch, "val/loss": min(whole.history["val/loss"])}
    until = train(tmp_path / "run", *OVERFITTING, f"trainer.epochs={epoch}", "trainer.select=last")
    best = torch.load(whole.directory.best, weights_only=True)
    assert best["state"]["epoch"] == epoch
    assert same_weights(best["model"], until.weights)


def test_model_pth_holds_the_best_epoch_and_is_measured(whole: Trained) -> None:
    best = torch.load(whole.directory.best, weights_only=True)
    assert same_weights(whole.weights, best["model"])
    metrics = whole.result["metrics"]
    assert metrics["val/loss"] == pytest.approx(min(whole.history["val/loss"]))
    assert {"test/loss", "test/r2"} <= set(metrics)


def test_select_last_keeps_the_last_epoch(tmp_path: Path, whole: Trained) -> None:
    run = train(tmp_path / "run", *OVERFITTING, "trainer.epochs=20", "trainer.select=last")
    last = torch.load(run.directory.last, weights_only=True)
    assert same_weights(run.weights, last["model"])
    assert not same_weights(run.weights, whole.weights)
    assert run.result["metrics"]["val/loss"] == pytest.approx(run.history["val/loss"][-1])
    assert run.result["best"] == whole.result["best"]


def test_without_validation_rows_the_last_epoch_is_kept(tmp_path: Path) -> None:
    """The best training loss is no reason to prefer an epoch."""
    run = train(tmp_path / "run", "trainer.epochs=3", "trainer.early_stopping.min_delta=1e9")
    assert run.result["best"]["epoch"] == 1
    last = torch.load(run.directory.last, weights_only=True)
    assert same_weights(run.weights, last["model"])


def test_a_metric_that_should_rise_is_watched_upwards(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *OVERFITTING, "trainer.epochs=8", "trainer.monitor=val/r2")
    assert run.result["best"]["epoch"] == best_epoch(run, "val/r2", higher=True)
