"""A metric of somebody else's: registered, monitored, in the history of single runs and stacks."""

from pathlib import Path

import pytest
import torch
from support.single_runs import prepared, train
from support.stacked_runs import fused
from torch import Tensor

from seedbed.tasks.metric_values import metrics_of
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


@pytest.mark.usefixtures("registries")
def test_metrics_of_others_are_computed_of_labels_and_quantiles() -> None:
    def mean(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return predictions.flatten(1).mean(dim=1)

    register_metric(Metric("mean", False, mean), "multilabel", "quantiles")
    rows = [f"{n},{n % 2},{n % 3 == 0:d}" for n in range(20)]
    Path("rows.csv").write_text("\n".join(["x,p,q", *rows]))
    words = ["data=csv", "data.path=rows.csv", "data.features=[x]"]
    labels = ["data.target=[p,q]", "data.task=multilabel"]
    for more in (labels, ["data.target=p", "data.task=quantiles"]):
        _, plan = prepared(*words, *more)
        x, y = plan.data.validation.tensors
        outputs = torch.rand(len(x), plan.head.outputs)
        found = metrics_of(plan.head, outputs, y)
        assert found["mean"] == pytest.approx(float(plan.head.predictions(outputs).mean()))
