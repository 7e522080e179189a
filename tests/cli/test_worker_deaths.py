"""What dies of a signal in a process beside ours is one line, and exit code 1."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

OWN = """
import os, signal
import torch
from torch.utils.data import Dataset, get_worker_info


class Rows(Dataset):
    def __init__(self, how="SEGV"):
        self.how = how

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if get_worker_info() is not None and index == 3:
            os.kill(os.getpid(), getattr(signal, f"SIG{self.how}"))
        return torch.tensor([float(index), 1.0]), torch.tensor([2.0 * index])


class Net(torch.nn.Linear):
    def __init__(self, how):
        super().__init__(2, 1)
        self.how = how

    def forward(self, x):
        if self.how is not None and torch.is_grad_enabled() and __name__ == "mine":
            if getattr(self, "calls", 0) > 3:
                os.kill(os.getpid(), getattr(signal, f"SIG{self.how}"))
            self.calls = getattr(self, "calls", 0) + 1
        return super().forward(x)
"""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text(OWN)
    monkeypatch.setenv("SEEDBED_ALLOW", "mine")
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))


@pytest.mark.usefixtures("own")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to die of")
@pytest.mark.parametrize("how", ["SEGV", "ABRT"])
def test_a_loader_that_dies_is_told_in_one_line(seedbed_process: Callable, how: str) -> None:
    rows = ["data=dataset", "+data.train._target_=mine.Rows", f"+data.train.how={how}"]
    result = seedbed_process("train", *rows, "loader.num_workers=1", "trainer.epochs=3")
    assert result.code == 1, result.err
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith("error: ")
    assert "worker" in result.err
    assert "Traceback" not in result.err


@pytest.mark.usefixtures("own")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to die of")
@pytest.mark.parametrize("how", ["SEGV", "ABRT"])
def test_a_job_that_dies_is_told_in_one_line(seedbed_process: Callable, how: str) -> None:
    words = ["model._target_=mine.Net", f"+model.how=null,{how}", "sweep.workers=1"]
    result = seedbed_process("train", "-m", *words, "trainer.epochs=3")
    assert result.code == 1, result.err
    assert result.err == ""
    assert "1 of 2 jobs did not complete:" in result.out
    assert f"failed the worker process died of signal SIG{how}" in result.out
    assert "Traceback" not in result.err + result.out
    assert len(list(result.sweep.glob("*/model.pth"))) == 1
