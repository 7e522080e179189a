"""What a run leaves on the disk: plain weights for plain PyTorch, checkpoints of plain data."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.article_nets import ARTICLE_NETS
from support.single_runs import Trained, same_weights, train
from torch import Tensor

from seedbed.data.json_rows import rows_from_json
from seedbed.views.predict import predictions
from seedbed.views.trained import load_trained

NEW_ROWS = [[8, 9], [10, 11], [1.5, 2.5]]
LOADERS = {"full batch": "loader=full_batch", "batches of two": "loader.batch_size=2"}


def leaves(content: Any) -> list[Any]:
    """Everything in nested containers that is no container."""
    if isinstance(content, dict):
        return [leaf for value in content.values() for leaf in leaves(value)]
    if isinstance(content, list | tuple):
        return [leaf for value in content for leaf in leaves(value)]
    return [content]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("style", ARTICLE_NETS)
def test_model_pth_fits_the_article_s_class_and_predicts_the_same(
    tmp_path: Path, style: str, loader: str
) -> None:
    ours = train(tmp_path / "run", f"model={style}", LOADERS[loader])
    plain = ARTICLE_NETS[style]()
    plain.load_state_dict(torch.load(ours.directory.model, weights_only=True), strict=True)
    with torch.no_grad():
        expected = plain(torch.tensor(NEW_ROWS))
    trained = load_trained(ours.directory.root)
    answers = predictions(trained, rows_from_json(NEW_ROWS, trained.preprocessing).inputs)
    assert answers["predictions"] == expected.tolist()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A short run with everything that leaves state behind."""
    words = ["data=sklearn", "data.dataset=iris", "loader.batch_size=32", "trainer.epochs=3"]
    words += ["model.batch_norm=true", "model.dropout=0.1", "optimizer=adamw", "scheduler=cosine"]
    return train(tmp_path_factory.mktemp("saved") / "run", *words)


@pytest.mark.parametrize("file", ["last", "best", "model"])
def test_every_file_of_tensors_loads_with_weights_only(run: Trained, file: str) -> None:
    content = torch.load(getattr(run.directory, file), weights_only=True)
    tensors = [leaf for leaf in leaves(content) if isinstance(leaf, Tensor)]
    assert tensors
    assert all(
        t.device.type == "cpu" and not t.requires_grad and t.grad_fn is None for t in tensors
    )


def test_a_checkpoint_holds_all_that_resuming_needs(run: Trained) -> None:
    checkpoint = torch.load(run.directory.last, weights_only=True)
    parts = {"format", "model", "optimizer", "scheduler", "scaler", "random", "state"}
    assert parts <= set(checkpoint)
    assert checkpoint["state"]["epoch"] == 3
    assert checkpoint["state"]["step"] == run.result["steps"]
    assert checkpoint["scheduler"]["last_epoch"] == 3
    assert len(checkpoint["optimizer"]["state"]) == len(list(run.plan.model.parameters()))


def test_a_checkpoint_does_not_change_as_training_goes_on(tmp_path: Path) -> None:
    """`best.pt` of a run whose first epoch is the best one holds that epoch's weights."""
    words = ["trainer.early_stopping.min_delta=1e9", "model.batch_norm=true", "optimizer=adam"]
    whole = train(tmp_path / "whole", *words, "trainer.epochs=4")
    first = train(tmp_path / "first", *words, "trainer.epochs=1")
    best = torch.load(whole.directory.best, weights_only=True)
    last = torch.load(first.directory.last, weights_only=True)
    assert same_weights(best["model"], last["model"])
    for mine, theirs in zip(leaves(best["optimizer"]), leaves(last["optimizer"]), strict=True):
        assert torch.equal(mine, theirs) if isinstance(mine, Tensor) else mine == theirs


def test_losses_are_numbers_and_not_graphs(run: Trained) -> None:
    """The article kept tensors with their graphs, which cannot be plotted."""
    checkpoint = torch.load(run.directory.last, weights_only=True)
    told = [*leaves(run.result["metrics"]), *leaves(checkpoint["state"]["history"])]
    assert all(type(value) in (int, float) for value in told)
    assert json.loads(run.directory.result.read_text())["metrics"] == run.result["metrics"]


def test_the_result_counts_what_was_done(run: Trained) -> None:
    rows = run.plan.data.fingerprint["rows"]["train"]
    assert run.result["epochs"] == 3
    assert run.result["steps"] == 3 * -(-rows // 32)
    assert run.result["parameters"] == sum(p.numel() for p in run.plan.model.parameters())
    assert run.history["epoch"] == [1, 2, 3]
    assert run.history["step"][-1] == run.result["steps"]


def test_model_pth_of_a_classifier_with_dropout_predicts_in_evaluation_mode(run: Trained) -> None:
    trained = load_trained(run.directory.root)
    rows = rows_from_json([[5.1, 3.5, 1.4, 0.2]] * 3, trained.preprocessing).inputs
    answers = predictions(trained, rows)
    assert answers["classes"] == ["setosa", "versicolor", "virginica"]
    assert answers["probabilities"][0] == answers["probabilities"][1]
    assert sum(answers["probabilities"][0]) == pytest.approx(1)
    best = max(range(3), key=answers["probabilities"][0].__getitem__)
    assert answers["predictions"] == [answers["classes"][best]] * 3
