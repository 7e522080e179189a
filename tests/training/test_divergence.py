"""A loss that explodes: said at once, and the last good weights kept."""

import json
from pathlib import Path

import pytest
import torch
from support.single_runs import Trained, same_weights, train
from torch import Tensor

from seedbed.cli.main import main

NO_FLOAT = ("optimizer.lr=1e30", "optimizer.weight_decay=1e30")
"""One step of this takes the article's weights out of float32, its loss still finite."""


def finite(weights: dict[str, Tensor]) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in weights.values())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    words = ["optimizer.lr=1e6", "loader.batch_size=2"]
    return train(tmp_path_factory.mktemp("diverged") / "run", *words, draw=True)


def test_the_error_says_where_the_loss_exploded(run: Trained) -> None:
    assert run.result["status"] == "diverged"
    assert run.result["error"] == "train/loss is inf at step 3 (epoch 2, batch 1, lr 1e+06)"
    status = json.loads(run.directory.status.read_text())
    assert (status["status"], status["error"]) == ("diverged", run.result["error"])
    assert status["ended"] is not None


@pytest.mark.parametrize("file", ["best", "last"])
def test_the_last_good_checkpoint_loads_and_is_finite(run: Trained, file: str) -> None:
    checkpoint = torch.load(getattr(run.directory, file), weights_only=True)
    assert finite(checkpoint["model"])
    assert checkpoint["state"]["epoch"] == 1


def test_model_pth_is_the_last_good_checkpoint_s(run: Trained) -> None:
    best = torch.load(run.directory.best, weights_only=True)
    assert same_weights(run.weights, best["model"])


def test_the_directory_is_complete(run: Trained) -> None:
    assert len(run.history["epoch"]) == 1
    assert run.directory.figure.is_file()
    assert json.loads(run.directory.result.read_text())["steps"] == 3


@pytest.mark.parametrize("epochs", [1, 5])
def test_weights_that_are_no_longer_finite_are_never_kept(tmp_path: Path, epochs: int) -> None:
    """The loss tells only one step later, and after the last epoch never."""
    run = train(tmp_path / "run", *NO_FLOAT, "loader=full_batch", f"trainer.epochs={epochs}")
    expected = "a weight is infinite or NaN at step 1 (epoch 1, batch 1, lr 1e+30)"
    assert (run.result["status"], run.result.get("error")) == ("diverged", expected)
    start = train(tmp_path / "start", "optimizer.lr=1e-30", "trainer.epochs=1")
    assert finite(run.weights)
    assert same_weights(run.weights, start.weights)
    assert run.history["epoch"] == []


def test_a_checkpoint_between_epochs_is_not_overwritten_by_bad_weights(tmp_path: Path) -> None:
    words = ["loader.batch_size=1", "trainer.checkpoint_every='1 step'"]
    run = train(tmp_path / "run", "optimizer.lr=1e9", *words)
    last = torch.load(run.directory.last, weights_only=True)
    assert run.result["status"] == "diverged"
    assert finite(last["model"])
    assert last["state"]["step"] == run.result["steps"] - 1


def test_the_command_fails_and_says_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["train", "optimizer.lr=1e6", f"hydra.run.dir={tmp_path / 'run'}"])
    told = capsys.readouterr()
    assert code == 1
    assert told.out.splitlines()[-1] == f"run: {tmp_path / 'run'}"
    assert told.err.startswith("error: diverged: train/loss is inf at step 3 (epoch 2, batch 1")
    assert f"checkpoint is {tmp_path / 'run' / 'checkpoints' / 'best.pt'}" in told.err
    assert "type a smaller optimizer.lr" in told.err


@pytest.mark.parametrize("more", [[], ["data.in_memory=true"], ["trainer.accumulate=3"]])
def test_a_row_that_is_not_finite_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    parts = "support.own_parts.sequences"
    words = [f"data.train={{_target_:{parts}.Sequences,kind:mapping,bad:true}}", *more]
    words += [f"model._target_={parts}.Masked", "data.split={validation:0}", "allow=[support]"]
    words += ["data=dataset", "data.target=label", "loader.collate=pad", "loader.batch_size=8"]
    assert main(["train", *words, f"hydra.run.dir={tmp_path / 'run'}"]) == 1
    row = "training row 21" if "in_memory" in "".join(more) else r"data.train: Sequences[20]"
    told = capsys.readouterr().err
    assert f"{row} gives NaN in x.steps: mend it, or leave the row out;" in told
