"""Every metric by the contract, with torchmetrics as its oracle: a single run has its bits."""

import math
import subprocess
import sys

import pytest
import torch
from support.metric_contract import ClassMetricContract, RealValueMetricContract
from torch import Tensor
from torchmetrics import functional as torchmetrics

from seedbed.tasks.metrics import METRICS, higher_is_better


class TestMeanSquaredError(RealValueMetricContract):
    metric, lowest = METRICS["mse"], 0.0

    def oracle(self, predictions: Tensor, targets: Tensor) -> float:
        return float(torchmetrics.mean_squared_error(predictions, targets))


class TestMeanAbsoluteError(RealValueMetricContract):
    metric, lowest = METRICS["mae"], 0.0

    def oracle(self, predictions: Tensor, targets: Tensor) -> float:
        return float(torchmetrics.mean_absolute_error(predictions, targets))


class TestR2(RealValueMetricContract):
    metric, highest = METRICS["r2"], 1.0

    def oracle(self, predictions: Tensor, targets: Tensor) -> float:
        return float(torchmetrics.r2_score(predictions, targets))

    def test_output_that_does_not_vary_has_none(self) -> None:
        predictions, targets = self.drawn()
        targets[2, :, 1] = 1.25
        assert self.metric(predictions, targets).isnan().tolist() == [False, False, True, False]


def settings(classes: int, *, averaged: bool = True) -> dict[str, object]:
    """What torchmetrics is asked for."""
    if classes == 2:
        return {"task": "binary"}
    average = {"average": "macro"} if averaged else {}
    return {"task": "multiclass", "num_classes": classes, **average}


def scored(predictions: Tensor) -> Tensor:
    """The probabilities as torchmetrics takes them."""
    return predictions[:, 1] if predictions.shape[1] == 2 else predictions


class TestAccuracy(ClassMetricContract):
    metric = METRICS["accuracy"]

    def oracle(self, predictions: Tensor, targets: Tensor) -> float:
        micro = {"task": "multiclass", "num_classes": self.classes, "average": "micro"}
        return float(torchmetrics.accuracy(predictions.argmax(dim=1), targets, **micro))


class TestF1(ClassMetricContract):
    metric = METRICS["f1"]

    def oracle(self, predictions: Tensor, targets: Tensor) -> float:
        predicted = predictions.argmax(dim=1)
        return float(torchmetrics.f1_score(predicted, targets, **settings(self.classes)))


class TestF1OfTwoClasses(TestF1):
    classes = 2


class TestAreaUnderROC(ClassMetricContract):
    metric = METRICS["auroc"]

    def oracle(self, predictions: Tensor, targets: Tensor) -> float:
        area = torchmetrics.auroc(scored(predictions), targets, **settings(self.classes))
        return float(area)

    def test_class_that_is_in_no_row_leaves_none(self) -> None:
        predictions, targets = self.drawn()
        targets[1][targets[1] == 1] = 0
        assert self.metric(predictions, targets).isnan().tolist() == [False, True, False, False]


class TestAreaUnderROCOfTwoClasses(TestAreaUnderROC):
    classes = 2


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("decimals", [0, 1, 6], ids=["many ties", "some ties", "no ties"])
@pytest.mark.parametrize("rows", [10, 37, 250, 1000, 5000])
def test_single_run_has_the_bits_of_torchmetrics(classes: int, decimals: int, rows: int) -> None:
    generator = torch.Generator().manual_seed(rows + decimals)
    targets = torch.randperm(rows, generator=generator) % classes
    logits = torch.randn(rows, classes, generator=generator).round(decimals=decimals)
    predictions = logits.softmax(dim=1)
    predicted = predictions.argmax(dim=1)
    f1 = torchmetrics.f1_score(predicted, targets, **settings(classes))
    area = torchmetrics.auroc(scored(predictions), targets, **settings(classes))
    assert (f1.dtype, area.dtype) == (torch.float32, torch.float32)
    assert float(METRICS["f1"](predictions[None], targets[None])) == float(f1)
    assert float(METRICS["auroc"](predictions[None], targets[None])) == float(area)


@pytest.mark.parametrize("outputs", [1, 2, 7])
@pytest.mark.parametrize("rows", [1, 2, 37, 1000, 5000])
def test_errors_have_the_bits_of_torchmetrics(outputs: int, rows: int) -> None:
    generator = torch.Generator().manual_seed(rows)
    predictions, targets = torch.randn(2, rows, outputs, generator=generator, dtype=torch.float64)
    oracles = {
        "mse": torchmetrics.mean_squared_error,
        "mae": torchmetrics.mean_absolute_error,
    }
    for name, oracle in oracles.items():
        value = METRICS[name](predictions[None], targets[None])
        assert float(value) == float(oracle(predictions, targets))


def test_class_that_is_neither_there_nor_predicted_counts_for_nothing() -> None:
    predictions = torch.eye(4)[[0, 2, 2, 3]][None]
    targets = torch.tensor([[0, 2, 3, 3]])
    oracle = torchmetrics.f1_score(predictions[0].argmax(dim=1), targets[0], **settings(4))
    assert math.isclose(METRICS["f1"](predictions, targets), oracle, rel_tol=1e-6)
    assert METRICS["f1"](predictions.double(), targets) == pytest.approx((1 + 4 / 3) / 3)


@pytest.mark.parametrize(
    ("column", "higher"),
    [
        *[(name, True) for name in ("val/accuracy", "test/r2", "auroc", "val/f1")],
        *[(name, False) for name in ("val/loss", "train/loss", "val/mse", "mae")],
    ],
)
def test_direction_of_a_column(column: str, higher: bool) -> None:
    assert higher_is_better(column) == higher


def test_names_and_directions_need_no_torch() -> None:
    code = "import sys, seedbed.tasks.metrics; sys.exit(bool({'torch', 'numpy'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
