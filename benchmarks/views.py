"""Times looking at many runs, as ratios to reading as many JSON files.

    python benchmarks/views.py [--runs 10000] [--folder DIR] [--rounds 5]

The runs are made by a fused sweep, so by the real writer, and removed at the end. Every command is
a process of its own. The yardstick is a process that opens each `result.json` with `json.load`.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SEEDBED = [sys.executable, "-m", "seedbed"]

READ = """
import glob, json, sys
for name in glob.glob(f"{sys.argv[1]}/**/result.json", recursive=True):
    with open(name) as file:
        json.load(file)
"""

RATES = "0.001,0.01,0.03,0.1"

SETTLED_SECONDS = 2.5
"""A run that was written just now is not taken into the index."""


@dataclass
class Taken:
    """What a process took.

    Args:
        seconds: from start to exit.
        megabytes: at most.
    """

    seconds: float
    megabytes: float


def took(words: Sequence[str], folder: Path) -> Taken:
    """Runs a command to its end, its output thrown away."""
    began = time.perf_counter()
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    assert os.waitstatus_to_exitcode(status) == 0, words
    return Taken(seconds, used.ru_maxrss / 1024)


def make(folder: Path, runs: int) -> None:
    """A sweep of so many runs."""
    words = ["train", "-m", f"seed=range(0,{runs // 4})", f"optimizer.lr={RATES}"]
    data = ["data=sklearn", "data.dataset=iris", "data.split.seed=0", "trainer.epochs=2"]
    subprocess.run([*SEEDBED, *words, *data], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def one_more(folder: Path) -> None:
    """One more run, a copy with times of its own."""
    run = next(path.parent for path in (folder / "outputs").rglob("status.json"))
    shutil.copytree(run, folder / f"outputs/more/{time.time_ns()}", copy_function=shutil.copy)


def measure(folder: Path, rounds: int) -> dict[str, tuple[Taken, float]]:
    """Each command with what it took, and how often that of reading: the median of the rounds."""
    runs = [*SEEDBED, "runs"]
    look = {
        "runs, first": runs,
        "runs, later": runs,
        "runs --filter --sort": [
            *runs, "--filter", "optimizer.lr<0.01 and status=completed", "--sort", "val/loss",
        ],
        "runs --json": [*runs, "--json"],
        "compare --over seed": [*SEEDBED, "compare", "outputs", "--over", "seed"],
        "report": [*SEEDBED, "report", "outputs"],
        "runs, one new run": runs,
    }  # fmt: skip
    figures = {}
    for name, words in look.items():
        pairs = []
        for _ in range(rounds):
            base = took([sys.executable, "-c", READ, "outputs"], folder)
            if name.endswith("first"):
                (folder / "outputs/.seedbed_index").unlink(missing_ok=True)
            if name.endswith("new run"):
                one_more(folder)
            pairs.append((took(words, folder), base))
        ratio = statistics.median(one.seconds / base.seconds for one, base in pairs)
        middle = sorted((one for one, _ in pairs), key=lambda one: one.seconds)[rounds // 2]
        figures[name] = middle, ratio
    return figures


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the runs are made, such as /dev/shm")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        make(folder, args.runs)
        time.sleep(SETTLED_SECONDS)
        print(f"{args.runs} runs, {args.rounds} rounds")
        for what, (taken, ratio) in measure(folder, args.rounds).items():
            print(f"  {what:22} {taken.seconds:6.2f} s {ratio:6.2f} x {taken.megabytes:5.0f} MB")


if __name__ == "__main__":
    main()
