"""The long kill test of benchmarks/, in short; and a disk that fills up in the middle of a run."""

import re
import sys
from pathlib import Path

import pytest
from support import processes
from test_bad_input import small_disk

KILL = Path(__file__).parents[1] / "benchmarks" / "kill.py"


def broken(*words: object) -> str:
    """The summary line of runs that were stopped, resumed and compared, all as promised."""
    line = [sys.executable, str(KILL), *map(str, words)]
    done = processes.run(line, capture_output=True, text=True, timeout=590, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_runs_stopped_at_random_moments_end_with_the_same_bits() -> None:
    said = broken("--kills", 3, "--by", "kill", "term", "twice", "--seed", 1)
    assert re.match(r"3 stops by .* [1-9]\d* runs to their ends; 0 mismatches", said)


@pytest.mark.slow
def test_a_run_whose_disk_filled_up_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "600k"):
        said = broken("--kills", 2, "--by", "full", "--folder", tmp_path / "small")
    assert re.match(r"2 stops by full; .* [1-9]\d* runs to their ends; 0 mismatches", said)
