"""A process and a DataLoader's workers end although either was left at work."""

import os
import sys
from pathlib import Path

import pytest
from support import processes
from support.waiting import wait_for

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


TOLD = """
import os, pathlib
import torch

class Told(torch.utils.data.Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, index):
        pathlib.Path("read_by", str(os.getpid())).touch()
        return torch.rand(2), torch.rand(1)
"""
WITH_A_THREAD = """
import sys, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
import seedbed
seedbed.train(*sys.argv[1:])
"""
"""As a notebook is: its workers are those of a server."""


def test_workers_of_a_server_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(TOLD)
    words = ["allow=[own]", "data=dataset", "data.train={_target_:own.Told}", "data.check_rows=1"]
    words += ["loader.num_workers=2", "loader.batch_size=4", "trainer.epochs=1000000"]
    read_by = tmp_path / "read_by"
    read_by.mkdir()
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    program = [sys.executable, "-c", WITH_A_THREAD, *words]
    with processes.Process(program, cwd=tmp_path, env=variables) as process:
        wait_for(lambda: len([*read_by.iterdir()]) > 2)  # a row was looked at here before
        process.kill()
    wait_for(lambda: not any(Path("/proc", one.name).exists() for one in read_by.iterdir()))
