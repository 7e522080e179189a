"""A picture says where what it draws is not of the weights that the runs kept."""

import contextlib
import json
from pathlib import Path

import pytest

import seedbed as front
from seedbed.catalog.table import table_of
from seedbed.views.pictures import PictureRequest, picture


@pytest.fixture(scope="module")
def overfitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs, of which those of the large rate are past their best epoch at the end."""
    folder = tmp_path_factory.mktemp("kept")
    with contextlib.chdir(folder):
        front.sweep(
            "data=sklearn", "data.dataset=diabetes", "data.split.seed=0", "trainer.epochs=12",
            "optimizer=adam", "optimizer.lr=1e-4,0.3", "model.hidden=[32]", "seed=0,1",
            directory="tried",
        )  # fmt: skip
    return folder / "tried"


def test_it_counts_the_runs_whose_best_epoch_is_not_the_last(overfitted: Path) -> None:
    results = [json.loads(file.read_text()) for file in overfitted.glob("*/result.json")]
    earlier = sum(one["measured_at"]["val/loss"] < one["epochs"] for one in results)
    assert 0 < earlier < 4
    said = f"{earlier} of 4 runs kept the weights of an epoch before the last"
    for kind, rest in (("curves", "compare go by val/loss"), ("slice", "curves go on to the last")):
        notes = picture(table_of([overfitted]), PictureRequest(kind))[1]
        assert [said in note and rest in note for note in notes].count(True) == 1


def test_nothing_is_said_where_the_two_are_one(overfitted: Path) -> None:
    from seedbed.analysis.runs_compared import Request

    for metric in ("train/loss", "best.val/loss"):
        request = PictureRequest("slice", Request(metric))
        assert not any("kept" in note for note in picture(table_of([overfitted]), request)[1])
    last = table_of([overfitted]).filtered("optimizer.lr<0.01")
    assert not any("kept" in note for note in picture(last, PictureRequest("curves"))[1])
