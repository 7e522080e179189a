"""A terminal that lacks a sign is shown the rest of the line."""

import os
import sys
from pathlib import Path

import pytest
from support import processes


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_signs_that_a_terminal_lacks_end_nothing(tmp_path: Path, encoding: str) -> None:
    words = ["optimizer.lr=0.001,0.002", "seed=0,1", "trainer.epochs=1"]
    line = [sys.executable, "-m", "seedbed", "train", "-m", *words, "hydra.sweep.dir=swept"]
    done = processes.run(
        line, env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode(encoding).splitlines()
    assert any(line.startswith("verdict: ") for line in lines)
    assert lines[-1] == "sweep: swept"
    assert ("\\xb1 std" in done.stdout.decode(encoding)) == (encoding == "ascii")
