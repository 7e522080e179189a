"""Killed runs whose losses weigh classes, alone and in stacks, end with the same bits."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from support.command_line import Command
from tasks.test_class_weights import SICK, write_rows

WORDS = [*SICK, "loss=focal", "loss.class_weights=auto,{yes:3}", "data.split.stratify=false"]
KINDS = {"stacks": ["seed=1,2", "sweep.fuse=always"], "single runs": ["seed=1", "sweep.fuse=never"]}
LONG = ["trainer.epochs=60", "trainer.checkpoint_every='30 steps'", "hydra.sweep.dir=sweep"]


def killed_in_training(words: list[str], folder: Path) -> None:
    """Kills a sweep as soon as one of its runs has a checkpoint."""
    line = [sys.executable, "-m", "seedbed", "train", "-m", *words]
    process = subprocess.Popen(
        line,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not list(folder.glob("sweep/*/checkpoints/last.pt")):
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.002)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_sweeps_go_on_to_the_same_bits(seedbed: Command, tmp_path: Path, kind: str) -> None:
    words = [*WORDS, *KINDS[kind], *LONG]
    for folder in ("whole", "killed"):
        (tmp_path / folder).mkdir()
        write_rows(tmp_path / folder / "rows.csv")
    killed_in_training(words, tmp_path / "killed")
    assert not list(tmp_path.glob("killed/sweep/0_*/model.pth")), "it was over"
    os.chdir(tmp_path / "killed")
    assert seedbed("resume", "sweep").code == 0
    os.chdir(tmp_path / "whole")
    assert seedbed("train", "-m", *words).code == 0
    os.chdir(tmp_path)
    runs = sorted(path.parent.relative_to(tmp_path / "whole") for path in each_model(tmp_path))
    assert len(runs) == len(KINDS[kind][0].split(",")) * 2
    for run in runs:
        one, other = (tmp_path / folder / run for folder in ("whole", "killed"))
        assert columns(one) == columns(other), run
        weights = [torch.load(path / "model.pth", weights_only=True) for path in (one, other)]
        assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def each_model(folder: Path) -> list[Path]:
    return list((folder / "whole").glob("sweep/*/model.pth"))


def columns(run: Path) -> list[list[str]]:
    """The lines of the history, without the seconds."""
    return [line.split(",")[:-1] for line in (run / "history.csv").read_text().splitlines()]
