"""A metric of somebody else's: registered, monitored, in the history of single runs and stacks."""

from pathlib import Path

import pytest
from support.single_runs import train
from support.stacked_runs import fused
from torch import Tensor

from seedbed.tasks.metrics import Metric
from seedbed.tasks.registry import register_metric

WORDS = ["data=sklearn", "data.dataset=diabetes", "trainer.epochs=3", "optimizer.lr=0.01"]


def largest_error(predictions: Tensor, targets: Tensor) -> Tensor:
    return (predictions - targets).abs().flatten(1).amax(dim=1)


@pytest.mark.usefixtures("registries")
def test_outside_metric_is_monitored_and_recorded(tmp_path: Path) -> None:
    register_metric(Metric("largest_error", False, largest_error), "regression")
    words = [*WORDS, "trainer.monitor=val/largest_error"]
    run = train(tmp_path / "run", *words)
    column = run.history["val/largest_error"]
    best = {"epoch": column.index(min(column)) + 1, "val/largest_error": min(column)}
    assert run.result["best"] == best
    stack = fused([words, [*words, "seed=1"]])
    assert [row["val/largest_error"] for row in stack.history[0]] == pytest.approx(column)
    assert stack.metrics[1]["val/largest_error"] > 0


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize(
    ("name", "task", "words"),
    [
        ("mse", "regression", "there is a metric 'mse' already"),
        ("loss", "regression", "there is a metric 'loss' already"),
        ("worst", "regresion", "metric 'worst': no task 'regresion'; there are regression, binary"),
    ],
)
def test_metric_that_cannot_be_added_is_refused(name: str, task: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        register_metric(Metric(name, False, largest_error), task)
