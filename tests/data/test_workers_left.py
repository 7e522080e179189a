"""A process ends although a DataLoader's workers were left at work, as after an error."""

import os
import sys
from pathlib import Path

import pytest
from support import processes

OWN = """
import torch
from torch import nn

class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 64

    def __init__(self, late=False):
        self.late = late

    def __getitem__(self, index):
        if self.late and index > 40:
            raise ValueError("late")
        return torch.rand(2), torch.rand(1)

class Late(nn.Linear):
    seen = 0

    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        Late.seen += 1
        if Late.seen > 9:
            raise ValueError("late")
        return super().forward(x)
"""

PYTHON = "import sys, seedbed.cli.main; sys.exit(seedbed.cli.main.main(sys.argv[1:]))"
COLLECTED = """
import gc, sys
from seedbed.cli.main import main
code = main(sys.argv[1:])
gc.collect()
sys.exit(code)
"""
"""Collects what the error left in circles: the DataLoader's queues go before its workers."""

SCRIPT = "from seedbed.start import script; script()"
PROGRAMS = {"called": PYTHON, "collected": COLLECTED, "script": SCRIPT}
ERRORS = {
    "of the model": ["data.train={_target_:own.Rows}", "model._target_=own.Late"],
    "of a row": ["data.train={_target_:own.Rows,late:true}", "data.check_rows=1"],
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_process_ends_though_workers_are_left(
    tmp_path: Path, program: str, error: list[str]
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    words = ["train", "allow=[own]", "data=dataset", *error]
    words += ["loader.num_workers=2", "loader.batch_size=4"]
    done = processes.run(
        [sys.executable, "-c", program, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, "late" in done.stderr) == (1, True), done.stderr
