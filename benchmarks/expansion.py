"""Compares random jobs of sweeps with what Hydra composes, and times how they are expanded.

    python benchmarks/expansion.py [--cases 2500] [--seed 0] [--jobs 1000 10000]

Each case is a list of overrides, right or wrong. The config, Hydra's files, the typed config and
the errors must be those of Hydra and of a whole check. The times are of `validate -m` in this
process, from the command line to where training would begin, and the memory is that of all.
"""

import argparse
import contextlib
import io
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.override_lists import difference, override_lists, started

from seedbed.cli.main import main

GRID = (
    "optimizer.lr=range(0.001,{rates},0.001)", "optimizer.momentum=0,0.9",
    "optimizer.weight_decay=0,0.01", "seed=range(0,25)",
)  # fmt: skip


def compare(cases: int, seed: int) -> int:
    """How many of the cases differ from Hydra."""
    began, differ = time.perf_counter(), 0
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as composer:
        for words in override_lists(cases, seed):
            if told := difference(composer, words):
                differ += 1
                print(told[:3000])
    seconds = time.perf_counter() - began
    print(f"{cases} cases, {differ} differ from Hydra ({seconds:.0f} s)")
    return differ


def expand(*words: str) -> float:
    """Seconds of checking a sweep."""
    said = io.StringIO()
    began = time.perf_counter()
    with contextlib.redirect_stdout(said):
        code = main(["validate", "-m", *words])
    seconds = time.perf_counter() - began
    assert code == 0, said.getvalue()
    return seconds


def times(jobs: int) -> None:
    """Prints the time a job of two sweeps, in all and without what one job costs."""
    rates = f"{0.001 * jobs / 100 + 0.0005:.4f}"
    sweeps = {
        "seeds": (f"seed=range(0,{jobs})", "loader.batch_size=2"),
        "grid of sgd": tuple(word.format(rates=rates) for word in GRID),
        "grid of sgd, adam": (
            "optimizer=sgd,adam", f"optimizer.lr=range(0.001,{rates},0.001)",
            "optimizer.weight_decay=0,0.01", "seed=range(0,25)",
        ),
    }  # fmt: skip
    for name, words in sweeps.items():
        measured = sorted(expand(*words) for _ in range(3))
        alone = min(expand("seed=0") for _ in range(3))
        whole, more = measured[1] / jobs, (measured[1] - alone) / jobs
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{jobs} jobs, {name}: {whole * 1e3:.3f} ms a job, {more * 1e3:.3f} without the "
            f"{alone:.2f} s of one; {memory:.0f} MB at most"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, nargs="*", default=[1000, 10000])
    return parser.parse_args()


if __name__ == "__main__":
    args = _arguments()
    different = compare(args.cases, args.seed) if args.cases else 0
    for jobs in args.jobs:
        times(jobs)
    sys.exit(bool(different))
