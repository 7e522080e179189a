"""A task of somebody else's: rates, which the exponential of an output predicts."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from support.single_runs import prepared, train
from support.stacked_runs import fused
from torch import Tensor

from seedbed.config.task_names import TaskName
from seedbed.errors import ConfigError
from seedbed.tasks.metrics import Metric
from seedbed.tasks.registry import register_metric, register_task
from seedbed.tasks.regression import Regression
from seedbed.views.predict import predictions
from seedbed.views.trained import load_trained

WORDS = ["data=csv", "data.path=counts.csv", "data.target=n", "data.task=rates"]
WORDS += ["data.standardize=false", "trainer.epochs=60", "optimizer=adam", "optimizer.lr=0.02"]


class Rates(Regression):
    """Counts, taken for Poisson's."""

    name = TaskName("rates")
    losses: Mapping[str, str] = {"torch.nn.PoissonNLLLoss": "loss._target_=torch.nn.PoissonNLLLoss"}
    metrics = ("mae",)

    def predictions(self, outputs: Tensor, loss: str) -> Tensor:
        return outputs.exp()


@pytest.fixture
def _counted(registries: None) -> None:
    rows = [f"{x / 100},{round(np.exp(x / 50))}" for x in range(100)]
    Path("counts.csv").write_text("\n".join(["x,n", *rows]))
    register_task(Rates())


@pytest.mark.usefixtures("_counted")
def test_outside_task_trains_predicts_and_stacks(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *WORDS)
    assert run.history["val/mae"][-1] < run.history["val/mae"][0] / 2
    told = predictions(load_trained(tmp_path / "run"), np.float32([[0.5], [0.9]]))["predictions"]
    assert np.ravel(told) == pytest.approx(np.exp([1.0, 1.8]), rel=0.2)
    stack = fused([WORDS, [*WORDS, "seed=1"]])
    last = stack.history[0][-1]["val/mae"]
    assert last == pytest.approx(run.history["val/mae"][-1], rel=1e-3)


@pytest.mark.usefixtures("_counted")
def test_loss_of_another_task_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"loss=mse does not fit .*PoissonNLLLoss"):
        prepared(*WORDS, "loss=mse")


def test_unknown_task_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ConfigError,
        match=r"one of auto, regression, binary, multiclass, counts, .*, reconstruction, got",
    ):
        prepared(*WORDS)


@pytest.mark.usefixtures("_counted")
def test_task_that_cannot_be_added_is_refused() -> None:
    with pytest.raises(ValueError, match="there is a task 'rates' already"):
        register_task(Rates())
    with pytest.raises(ValueError, match="task 'others': no metric 'spread'; register it first"):
        register_task(type("Others", (Rates,), {"name": "others", "metrics": ("spread",)})())


@pytest.mark.usefixtures("_counted")
def test_metric_can_be_added_to_an_outside_task(tmp_path: Path) -> None:
    register_metric(Metric("bias", False, lambda p, t: (p - t).flatten(1).mean(dim=1)), "rates")
    run = train(tmp_path / "run", *WORDS, "trainer.epochs=1")
    assert list(run.history)[2:] == ["train/loss", "val/loss", "val/mae", "val/bias", "lr"]
