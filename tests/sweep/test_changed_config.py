"""`resume SWEEP --changed`: a job that was cut off ends as one that began with the new config."""

import json
from pathlib import Path

import pytest
import torch
from conftest import Command
from runs.driving import same_weights

from seedbed.sweep.outcome import read_sweep

WORDS = [
    "data=sklearn",
    "data.dataset=wine",
    "loader.batch_size=32",
    "optimizer.lr=0.01",
    "seed=1,2",
]
CHANGES = {
    "more epochs": ("none", {"epochs": 4}, {"epochs": 7}, True),
    "more epochs of one cycle": ("onecycle", {"epochs": 4}, {"epochs": 7}, False),
    "more epochs of a cosine": ("cosine", {"epochs": 4}, {"epochs": 7}, False),
    "fewer epochs": ("none", {"epochs": 4}, {"epochs": 3}, False),
    "clipping": ("none", {"epochs": 4}, {"epochs": 4, "gradient_clip": 0.1}, False),
}


def configured(trainer: dict[str, float]) -> None:
    Path("conf").mkdir(exist_ok=True)
    Path("conf/config.yaml").write_text(
        f"defaults: [seedbed, _self_]\ntrainer: {json.dumps(trainer)}\n"
    )


def cut_off(sweep: Path) -> None:
    """Makes its jobs what a kill right after the last checkpoint leaves."""
    for job in read_sweep(sweep).jobs:
        run = sweep / job.directory
        status = json.loads((run / "status.json").read_text())
        (run / "status.json").write_text(json.dumps({**status, "status": "running", "pid": 1}))
        (run / "result.json").unlink()


@pytest.mark.parametrize("fuse", ["always", "never"])
@pytest.mark.parametrize(("scheduler", "before", "after", "goes_on"), CHANGES.values(), ids=CHANGES)
def test_it_ends_as_a_sweep_of_the_new_config(
    seedbed: Command,
    fuse: str,
    scheduler: str,
    before: dict[str, float],
    after: dict[str, float],
    goes_on: bool,
) -> None:
    words = [*WORDS, f"scheduler={scheduler}", f"sweep.fuse={fuse}"]
    configured(after)
    fresh = seedbed("train", "-m", *words, "hydra.sweep.dir=fresh").sweep
    configured(before)
    sweep = seedbed("train", "-m", *words, "hydra.sweep.dir=sweep").sweep
    cut_off(sweep)
    times = {p.name: p.joinpath("history.csv").read_text() for p in sweep.glob("*_seed=*")}
    configured(after)
    refused = seedbed("resume", "sweep")
    assert (refused.code, "--changed" in refused.err) == (2, True)
    result = seedbed("resume", "sweep", "--changed")
    assert result.code == 0, result.err
    assert ("begins anew: its config has changed" in result.out) == (not goes_on)
    for run in fresh.glob("*_seed=*"):
        other = sweep / run.name
        weights = [torch.load(one / "model.pth", weights_only=True) for one in (run, other)]
        assert same_weights(*weights)
        kept = (other / "history.csv").read_text().startswith(times[run.name])
        assert kept == goes_on, "the epochs of before are kept, their seconds too"


def test_a_complete_sweep_says_that_a_changed_config_changes_nothing(seedbed: Command) -> None:
    configured({"epochs": 2})
    seedbed("train", "-m", *WORDS, "hydra.sweep.dir=sweep")
    configured({"epochs": 4})
    result = seedbed("resume", "sweep", "--changed")
    assert (result.code, result.out.splitlines()[1:]) == (0, ["complete already", "sweep: sweep"])
    assert "seedbed resume sweep/JOB trainer.epochs=N" in result.out
