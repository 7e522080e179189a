"""Whole processes, from start to exit, as a person waits for them."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measure.pairs import Pairs, timed_pairs

PLAIN_SCRIPT = Path(__file__).parents[1] / "plain_script.py"

PROBE = """
import sys
from seedbed.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""


@dataclass(frozen=True)
class StartUp:
    """One command.

    Args:
        words: after `seedbed`.
        seconds: of each round.
        torch: whether it imported torch.
    """

    words: str
    seconds: list[float]
    torch: bool

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {
            "seconds": median(self.seconds),
            "seconds_min": min(self.seconds),
            "seconds_max": max(self.seconds),
            "rounds": len(self.seconds),
            "torch": self.torch,
        }


def whole_process(folder: Path, rounds: int) -> Pairs:
    """`seedbed train` against the plain script, both in `folder`."""
    return timed_pairs(
        lambda: _timed([sys.executable, str(PLAIN_SCRIPT)], folder),
        lambda: _timed([*seedbed(), "train"], folder),
        rounds,
    )


def start_up(folder: Path, rounds: int) -> list[StartUp]:
    """The commands that do not train; `folder` holds a finished run or more."""
    runs = sorted(path.parent for path in folder.glob("outputs/*/*/result.json"))
    commands = [
        ("--help", ["--help"], 0),
        ("train --cfg job", ["train", "--cfg", "job"], 0),
        ("validate optimizer.lrr=1", ["validate", "optimizer.lrr=1"], 2),
        ("plot RUN", ["plot", str(runs[-1])], 0),
    ]
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in commands}
    for number in range(rounds + 1):
        for name, words, code in commands:
            took = _timed([*seedbed(), *words], folder, code)
            if number:  # the first may still compile modules
                seconds[name].append(took)
    return [
        StartUp(name, seconds[name], _imports_torch(words, folder)) for name, words, _ in commands
    ]


def seedbed() -> list[str]:
    """The console script beside this Python, else the module."""
    script = Path(sys.executable).parent / "seedbed"
    return [str(script)] if script.is_file() else [sys.executable, "-m", "seedbed"]


def _timed(command: Sequence[str], folder: Path, code: int = 0) -> float:
    started = time.perf_counter()
    done = _run(command, folder)
    seconds = time.perf_counter() - started
    if done.returncode != code:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return seconds


def _imports_torch(words: Sequence[str], folder: Path) -> bool:
    said = _run([sys.executable, "-c", PROBE, *words], folder).stderr.split()
    return said[-1] == "True"


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
