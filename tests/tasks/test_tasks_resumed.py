"""Runs of each task that stop in the middle go on to the same bits, alone and in a stack."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.stacked_runs import Stopping, planned, train_stack, trained, variants

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.runs.checkpoint import load
from seedbed.training.run_components import build_run
from seedbed.training.single import single_training

TABLE = ["data=csv", "data.path=rows.csv", "data.features=[a]", "data.split={validation:0.3}"]
TABLE += ["loader.batch_size=16", "trainer.epochs=3"]
TASKS = {
    "counts": ["data.target=[n,p]", "data.task=counts"],
    "quantiles": ["data.target=n", "loss=quantile"],
    "reconstruction": ["data.target=null", "data.features=[a,n]", "data.task=reconstruction"],
    "labels": ["data.target=[p,q]", "data.task=multilabel", "loss=bce", "loss.label_smoothing=0.1"],
}
STOP = 6
"""Steps, in the middle of the second epoch."""


@pytest.fixture(autouse=True)
def _rows() -> None:
    drawn = np.random.default_rng(0)
    rows = [f"{i / 9},{drawn.poisson(3)},{i % 2},{int(i % 3 == 0)}" for i in range(90)]
    Path("rows.csv").write_text("\n".join(["a,n,p,q", *rows, ""]))


def through_a_file(checkpoint: Any) -> Any:
    torch.save(checkpoint, "checkpoint.pt")
    return load(Path("checkpoint.pt"))


def run(configs: list[RunConfig], step: int = 0, resumed: Any = None) -> Stopping:
    kept = Stopping(step, through_a_file)
    if len(configs) > 1:
        train_stack(planned(configs), len(configs), kept, kept.stop, resumed)
    else:
        plan = build_run(configs[0], AllowList([]))
        trained(single_training(plan), kept, kept.stop, resumed)
    return kept


@pytest.mark.parametrize("seeds", [1, 2], ids=["alone", "in a stack"])
@pytest.mark.parametrize("task", TASKS)
def test_stopped_runs_go_on_to_the_same_bits(task: str, seeds: int) -> None:
    configs = variants([*TABLE, *TASKS[task]], [{}] * seeds)
    whole, cut = run(configs), run(configs, STOP)
    rest = run(configs, resumed=cut.taken)
    assert len(whole.weights) == seeds
    for number, weights in whole.weights.items():
        assert rest.metrics[number] == whole.metrics[number]
        assert all(torch.equal(rest.weights[number][name], one) for name, one in weights.items())
