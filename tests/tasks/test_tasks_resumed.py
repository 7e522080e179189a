"""Runs of each task that stop in the middle go on to the same bits, alone and in a stack."""

from pathlib import Path

import numpy as np
import pytest
from support.resumed_runs import assert_run_goes_on, assert_stack_goes_on
from support.stacked_runs import variants

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


@pytest.mark.parametrize("seeds", [1, 2], ids=["alone", "in a stack"])
@pytest.mark.parametrize("task", TASKS)
def test_stopped_runs_go_on_to_the_same_bits(task: str, seeds: int) -> None:
    configs = variants([*TABLE, *TASKS[task]], [{}] * seeds)
    if seeds == 1:
        assert_run_goes_on(configs[0], STOP)
    else:
        assert_stack_goes_on(configs, STOP)
