"""Rows of an odd number of bytes: a run that was stopped goes on to the same bits."""

import pytest
from support.resumed_runs import assert_run_goes_on
from support.stacked_runs import variants

from seedbed.data import gathered

WINE = ["data=sklearn", "data.dataset=wine", "data.split={validation:0.2,test:0.0}"]
WINE += ["trainer.epochs=3", "optimizer.lr=0.05", "optimizer.momentum=0.9"]


@pytest.mark.parametrize("rows_at_once", [2**14, 40], ids=["epochs together", "in blocks"])
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("batch_size", [8, 32])
def test_a_run_goes_on_to_the_same_bits(
    batch_size: int, *, shuffle: bool, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathered, "ROWS_AT_ONCE", rows_at_once)
    monkeypatch.setattr(gathered, "BLOCK_BYTES", 60 * rows_at_once)
    own = {"loader.batch_size": batch_size, "loader.shuffle": shuffle}
    (config,) = variants(WINE, [own], seeds=False)
    assert_run_goes_on(config, 2, -(-142 // batch_size) + 1, -(-142 // batch_size) + 3)
