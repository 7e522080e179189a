"""The long fuzz test of benchmarks/, in short: random wrong input is answered in lines."""

import sys
from pathlib import Path

import pytest
from support import processes

FUZZ = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"


@pytest.mark.slow
def test_random_wrong_input_is_answered_in_error_lines() -> None:
    line = [sys.executable, str(FUZZ), "--cases", "100", "--seed", "0"]
    done = processes.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("100 cases, 0 failures")
