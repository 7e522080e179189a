"""Rows of an odd number of bytes: a run that was stopped goes on to the same bits."""

import copy

import pytest
import torch
from support.stacked_runs import Stopping, alone, going_on, trained, variants

from seedbed.components import AllowList
from seedbed.data import batches
from seedbed.training.run_components import build_run
from seedbed.training.single import single_training

WINE = ["data=sklearn", "data.dataset=wine", "data.split={validation:0.2,test:0.0}"]
WINE += ["trainer.epochs=3", "optimizer.lr=0.05", "optimizer.momentum=0.9"]


@pytest.mark.parametrize("rows_at_once", [2**14, 40], ids=["epochs together", "in blocks"])
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("batch_size", [8, 32])
def test_a_run_goes_on_to_the_same_bits(
    batch_size: int, *, shuffle: bool, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", rows_at_once)
    monkeypatch.setattr(batches, "BLOCK_BYTES", 60 * rows_at_once)
    own = {"loader.batch_size": batch_size, "loader.shuffle": shuffle}
    (config,) = variants(WINE, [own], seeds=False)
    whole = alone(config)
    for step in (2, -(-142 // batch_size) + 1, -(-142 // batch_size) + 3):
        stopping = Stopping(step, copy.deepcopy)
        plan, fresh = (build_run(config, AllowList()) for _ in range(2))
        trained(single_training(plan), stopping, stopping.stop)
        rest = going_on(fresh, *(taken[0] for taken in stopping.taken))
        for name, tensor in whole.weights.items():
            assert torch.equal(tensor, rest.weights[name]), (step, name)
