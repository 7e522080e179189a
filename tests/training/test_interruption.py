"""Ctrl-C and SIGTERM in a process of its own: the run stops after its step, and can go on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from support import processes

LONG = ["trainer.epochs=100000000", "trainer.threads=1", "trainer.checkpoint_every=1 s"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that would take for ever, in its first epochs."""
    words = [*LONG, f"hydra.run.dir={tmp_path / 'run'}"]
    line = [sys.executable, "-m", "seedbed", "train", *words]
    with processes.Process(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as started:
        try:
            _wait_for(tmp_path / "run" / "checkpoints" / "last.pt", started)
            yield started
        finally:
            started.kill()


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 200
    while not path.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    if not path.exists():
        process.kill()  # it would go on for ever, and so would waiting for what it says
        pytest.fail(f"no checkpoint after 200 s: {process.communicate()}")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_ends_the_run_with_everything_saved(
    tmp_path: Path, process: subprocess.Popen[str], number: signal.Signals
) -> None:
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 128 + number, err
    assert out.splitlines()[-1] == f"run: {tmp_path / 'run'}"
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert status["status"] == "interrupted"
    assert status["error"].startswith("stopped in epoch")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.pt", weights_only=True)
    assert last["state"]["step"] == result["steps"] > 0
    rows = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + result["epochs"] == 1 + last["state"]["epoch"]
