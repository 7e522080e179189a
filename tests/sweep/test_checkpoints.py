"""A sweep that was killed goes on from its checkpoints, or says why it does not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seedbed.runs.checkpoint import load

MULTISTEP = (
    "scheduler._target_=torch.optim.lr_scheduler.MultiStepLR",
    "+scheduler.milestones=[2,4]",
    "++scheduler.gamma=0.5",
)
SEEDS = ("train", "-m", "seed=1,2,3", "trainer.epochs=6", "hydra.sweep.dir=sweep")


def cut_off(run: Path) -> None:
    """As a kill leaves a run: no result yet, and a status that says that it is not done."""
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "status": "interrupted"}))
    (run / "result.json").unlink()


def jobs(sweep: Path) -> list[Path]:
    return sorted(path for path in sweep.iterdir() if path.is_dir())


def table(sweep: Path) -> list[dict[str, Any]]:
    return [json.loads((run / "result.json").read_text())["metrics"] for run in jobs(sweep)]


@pytest.mark.parametrize("fuse", ["always", "never"])
def test_a_checkpoint_that_cannot_be_used_is_told(
    seedbed: Callable[..., Any], tmp_path: Path, fuse: str
) -> None:
    assert seedbed(*SEEDS, f"sweep.fuse={fuse}").code == 0
    before, sweep = table(tmp_path / "sweep"), tmp_path / "sweep"
    for run in jobs(sweep):
        cut_off(run)
        (run / "checkpoints" / "last.pt").write_bytes(b"cut short")
    result = seedbed("resume", "sweep")
    assert result.code == 0, result.err
    for run in jobs(sweep):
        (line,) = [line for line in result.out.splitlines() if f"'{run.name}' begins anew" in line]
        assert line.startswith("note: ")
        assert "last.pt" in line
    assert table(sweep) == before


@pytest.mark.parametrize("fuse", ["always", "never"])
def test_milestones_go_on(seedbed: Callable[..., Any], tmp_path: Path, fuse: str) -> None:
    """MultiStepLR counts its milestones in a class of its own, which no checkpoint may hold."""
    assert seedbed(*SEEDS, *MULTISTEP, f"sweep.fuse={fuse}").code == 0
    sweep = tmp_path / "sweep"
    for run in jobs(sweep):
        cut_off(run)
        checkpoint = load(run / "checkpoints" / "last.pt")
        assert type(checkpoint["scheduler"]["milestones"]) is dict
        checkpoint["model"] = {k: torch.zeros_like(v) for k, v in checkpoint["model"].items()}
        torch.save(checkpoint, run / "checkpoints" / "last.pt")
    result = seedbed("resume", "sweep")
    assert (result.code, "anew" in result.out) == (0, False)
    for run in jobs(sweep):  # what stood in the checkpoint, and nothing that was trained again
        assert not any(tensor.any() for tensor in load(run / "model.pth").values())
