"""No process of ours is forked while it has threads: Python 3.12 warns of that, and it can hang."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WATCH = """
import json, os

def note():
    # As Python 3.12 counts after each fork: the field num_threads of /proc/self/stat.
    count = int(open("/proc/self/stat").read().rpartition(")")[2].split()[17])
    with open(os.environ["FORKS"], "a") as file:
        file.write(json.dumps([os.getpid(), count]) + "\\n")

os.register_at_fork(after_in_parent=note)
"""
"""A `sitecustomize.py`, so that every Python process of a command counts."""

COMMANDS = {
    "run": (["train", "trainer.epochs=2"], 1),
    "stack": (["train", "-m", "trainer.epochs=2", "seed=range(0,150)"], 3),
    "stack of classes": (
        ["train", "-m", "data=sklearn", "trainer.epochs=1", "seed=range(0,70)"],
        3,
    ),
    "stacks in processes": (
        [
            "train",
            "-m",
            "trainer.epochs=2",
            "seed=1,2",
            "model=custom,manual",
            "sweep.workers=2",
            "sweep.fuse=always",
        ],
        3,
    ),
    "worker processes": (
        ["train", "-m", "trainer.epochs=1", "seed=1,2", "sweep.workers=2", "sweep.fuse=never"],
        3,
    ),
    "workers of a loader": (
        [
            "train",
            "data=sklearn",
            "trainer.epochs=1",
            "loader.num_workers=2",
            "loader.persistent_workers=false",
        ],
        5,
    ),
}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="on one core nothing is shared out")
@pytest.mark.parametrize("case", COMMANDS.values(), ids=COMMANDS)
def test_a_process_that_forks_has_one_thread(tmp_path: Path, case: tuple[list[str], int]) -> None:
    words, least = case
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    noted = tmp_path / "forks"
    settings = {**os.environ, "PYTHONPATH": str(tmp_path), "FORKS": str(noted)}
    line = [sys.executable, "-m", "seedbed", *words]
    subprocess.run(line, env=settings, check=True, timeout=200, capture_output=True)
    forks = [json.loads(line) for line in noted.read_text().splitlines()]
    assert len(forks) >= least
    assert {threads for _, threads in forks} == {1}
