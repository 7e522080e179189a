"""The long test of signals of benchmarks/, in short."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

INTERRUPTS = Path(__file__).parents[1] / "benchmarks" / "interrupts.py"

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.mark.slow
@pytest.mark.timeout(900)  # commands are given long to end, on a machine that is busy
def test_commands_that_are_interrupted_leave_nothing_broken_behind() -> None:
    line = [sys.executable, str(INTERRUPTS), "--commands", "5", "--seed", "3"]
    line += ["--epochs", "500", "--last", "2"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(r"5 commands; exit codes .*1(29|30|43)", done.stdout), done.stdout
