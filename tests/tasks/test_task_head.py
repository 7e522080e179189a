"""Losses and metrics, against scikit-learn's."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle
from support.single_runs import prepared, train

from seedbed.components import AllowList
from seedbed.errors import ConfigError
from seedbed.tasks.build_head import build_task_head
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metric_values import metrics_of
from seedbed.training.single import SingleEngine

ROWS = 200


def head_for(dataset: str, loss: str) -> TaskHead:
    _, plan = prepared("data=sklearn", f"data.dataset={dataset}", f"loss={loss}")
    return plan.head


def drawn(rows: int, outputs: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, outputs, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(3))
def test_regression_metrics_match_scikit_learn_in_target_units(seed: int) -> None:
    head = head_for("diabetes", "mse")
    output, y = drawn(ROWS, 1, seed), drawn(ROWS, 1, seed + 100)
    scale, mean = head.preprocessing.target_scale, head.preprocessing.target_mean
    predicted, actual = (t.double().numpy() * scale + mean for t in (output, y))
    assert metrics_of(head, output, y) == pytest.approx(
        {
            "mse": oracle.mean_squared_error(actual, predicted),
            "mae": oracle.mean_absolute_error(actual, predicted),
            "r2": oracle.r2_score(actual, predicted),
        }
    )


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e6])
def test_r2_does_not_depend_on_target_units(scale: float) -> None:
    preprocessing = head_for("diabetes", "mse").preprocessing
    small = replace(preprocessing, target_mean=[0.0], target_scale=[scale])
    head = build_task_head({"_target_": None}, AllowList(), small)
    y = drawn(60, 1, 1)
    output = y + 0.3 * drawn(60, 1, 2)
    expected = oracle.r2_score(y.numpy(), output.numpy())
    assert metrics_of(head, output, y)["r2"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_multiclass_metrics_match_scikit_learn(seed: int) -> None:
    head = head_for("digits", "cross_entropy")
    output = drawn(ROWS, 10, seed)
    y = torch.randint(0, 10, (ROWS,), generator=torch.Generator().manual_seed(seed))
    output[torch.arange(ROWS), y] += 1
    predicted = output.argmax(dim=1)
    shares = torch.softmax(output.double(), dim=1).numpy()
    assert metrics_of(head, output, y) == pytest.approx(
        {
            "accuracy": oracle.accuracy_score(y, predicted),
            "f1": oracle.f1_score(y, predicted, average="macro"),
            "auroc": oracle.roc_auc_score(y, shares, average="macro", multi_class="ovr"),
        },
        abs=1e-5,
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
def test_binary_metrics_match_scikit_learn(loss: str, seed: int) -> None:
    head = head_for("breast_cancer", loss)
    output = drawn(ROWS, head.outputs, seed)
    y = torch.randint(0, 2, (ROWS,), generator=torch.Generator().manual_seed(seed))
    output[:, -1] += y
    score = output[:, 0] if loss == "bce" else output[:, 1] - output[:, 0]
    predicted = (score > 0).long()
    assert metrics_of(head, output, y) == pytest.approx(
        {
            "accuracy": oracle.accuracy_score(y, predicted),
            "f1": oracle.f1_score(y, predicted),
            "auroc": oracle.roc_auc_score(y, score),
        },
        abs=1e-5,
    )


def test_f1_of_classes_never_predicted_matches_scikit_learn() -> None:
    head = head_for("iris", "cross_entropy")
    output = torch.tensor([[3.0, 0, 0], [3.0, 0, 0], [0, 3.0, 0], [3.0, 0, 0]])
    y = torch.tensor([0, 1, 1, 2])
    expected = oracle.f1_score(y, output.argmax(dim=1), average="macro", zero_division=0)
    assert metrics_of(head, output, y)["f1"] == pytest.approx(expected)


def test_undefined_metric_is_nan() -> None:
    classes = head_for("iris", "cross_entropy")
    assert math.isnan(metrics_of(classes, drawn(4, 3), torch.tensor([0, 1, 1, 0]))["auroc"])
    numbers = head_for("diabetes", "mse")
    assert math.isnan(metrics_of(numbers, drawn(3, 1), torch.ones(3, 1))["r2"])
    assert math.isnan(metrics_of(numbers, drawn(1, 1), torch.ones(1, 1))["r2"])


def test_one_logit_and_two_give_the_same_loss_and_metrics() -> None:
    """The difference of two logits is the one logit."""
    one, two = (
        head_for("breast_cancer", "bce"),
        head_for("breast_cancer", "cross_entropy"),
    )
    assert (one.outputs, two.outputs) == (1, 2)
    logits, y = drawn(ROWS, 2).double(), torch.randint(0, 2, (ROWS,))
    logit = logits[:, 1:] - logits[:, :1]
    torch.testing.assert_close(one.loss(logit, y), two.loss(logits, y))
    torch.testing.assert_close(one.predictions(logit), two.predictions(logits))
    assert metrics_of(one, logit, y) == pytest.approx(metrics_of(two, logits, y))


def test_either_loss_trains_two_classes(tmp_path: Path) -> None:
    words = ["experiment=breast_cancer", "trainer.epochs=15"]
    runs = [train(tmp_path / loss, *words, f"loss={loss}") for loss in ("bce", "cross_entropy")]
    accuracies = [run.result["metrics"]["test/accuracy"] for run in runs]
    assert min(accuracies) > 0.9
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.02)


@pytest.mark.parametrize(
    ("option", "extra", "plain"),
    [
        ("mse", [], torch.nn.MSELoss()),
        ("l1", [], torch.nn.L1Loss()),
        ("huber", ["loss.delta=0.5"], torch.nn.HuberLoss(delta=0.5)),
    ],
    ids=["mse", "l1", "huber"],
)
def test_regression_losses_are_torch_s(
    option: str, extra: list[str], plain: torch.nn.Module
) -> None:
    _, plan = prepared(f"loss={option}", *extra)
    output, y = drawn(9, 1, 0), drawn(9, 1, 1)
    assert torch.equal(plan.head.loss(output, y), plain(output, y))


def test_label_smoothing_is_torch_s() -> None:
    words = ["data=sklearn", "loss=cross_entropy", "loss.label_smoothing=0.2"]
    _, plan = prepared(*words)
    output, y = drawn(9, 3), torch.tensor([0, 1, 2] * 3)
    plain = torch.nn.CrossEntropyLoss(label_smoothing=0.2)
    assert torch.equal(plan.head.loss(output, y), plain(output, y))


@pytest.mark.parametrize(
    ("dataset", "task", "expected"),
    [
        ("diabetes", "regression", "torch.nn.MSELoss"),
        ("breast_cancer", "binary", "torch.nn.BCEWithLogitsLoss"),
        ("wine", "multiclass", "torch.nn.CrossEntropyLoss"),
    ],
)
def test_automatic_loss_follows_the_task(dataset: str, task: str, expected: str) -> None:
    head = head_for(dataset, "auto")
    assert (head.preprocessing.task, head.loss_name) == (task, expected)


@pytest.mark.parametrize(
    ("dataset", "loss", "right"),
    [
        ("diabetes", "cross_entropy", "mse"),
        ("wine", "bce", "cross_entropy"),
        ("wine", "mse", "cross_entropy"),
        ("breast_cancer", "l1", "bce"),
    ],
)
def test_loss_that_does_not_fit_is_refused(dataset: str, loss: str, right: str) -> None:
    with pytest.raises(ConfigError, match=rf"loss={loss} does not fit .*type loss={right}"):
        head_for(dataset, loss)


def test_metrics_of_several_targets_match_scikit_learn() -> None:
    preprocessing = head_for("diabetes", "mse").preprocessing
    scale = {"target_mean": [1.0, 2.0], "target_scale": [3.0, 0.5]}
    both = replace(preprocessing, outputs=2, target=["a", "b"], **scale)
    head = build_task_head({"_target_": None}, AllowList(), both)
    output, y = drawn(50, 2, 0), drawn(50, 2, 1)
    predicted, actual = (both.predictions(t.double().numpy()) for t in (output, y))
    assert metrics_of(head, output, y) == pytest.approx(
        {
            "mse": oracle.mean_squared_error(actual, predicted),
            "mae": oracle.mean_absolute_error(actual, predicted),
            "r2": oracle.r2_score(actual, predicted),
        }
    )


def test_validation_loss_does_not_depend_on_batches() -> None:
    _, plan = prepared("data=sklearn", "data.dataset=diabetes", "loader.batch_size=7")
    engine = SingleEngine(plan)
    x, y = plan.data.validation.tensors
    with torch.no_grad():
        expected = float(torch.nn.functional.mse_loss(engine.model(x), y))
    assert engine.evaluate("validation")["loss"][0] == pytest.approx(expected, rel=1e-6)
    assert engine.model.training
    assert np.isfinite(expected)
