"""Large tables: what a million rows cost in seconds, CPU seconds and memory, as whole processes.

    python benchmarks/tables.py [--rows 1000000] [--rounds 5] [--before ../before/src]

"ready" is a CSV with gaps and names made ready to train on, float32 tensors of three splits:
`seedbed validate`, which also composes the config and builds the model, against
`peers/columns.py`, which is pyarrow and scikit-learn's `ColumnTransformer`. "predict" is
`seedbed predict --file --output` on as many rows. With `--before`, the `src` of another checkout
of Seedbed takes part, in turn with this one: A B A B.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PEER = Path(__file__).parent / "peers" / "columns.py"
TABLE = Path(__file__).parent / "measure" / "random_table.py"
SEEDBED = (sys.executable, "-m", "seedbed")


@dataclass(frozen=True)
class Took:
    """What a process took.

    Args:
        seconds: from start to exit.
        cpu: seconds of all its cores.
        megabytes: at most.
    """

    seconds: float
    cpu: float
    megabytes: float


def took(words: Sequence[str], folder: Path, source: Path | None = None) -> Took:
    """Runs a command to its end; its memory is that of its largest process.

    A child begins with the memory of who starts it on its account: nothing large is imported here.

    Args:
        words: the command line.
        folder: to run it in.
        source: the `src` of another checkout, whose Seedbed it shall import.
    """
    environment = os.environ | ({"PYTHONPATH": str(source)} if source else {})
    with (folder / "output").open("w+b") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{' '.join(words)}: {output.read().decode()[-2000:]}")
    return Took(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def turns(ways: Mapping[str, tuple[Sequence[str], Path | None]], folder: Path, rounds: int) -> None:
    """Runs each way in turn, one round that does not count before, and prints the table."""
    found: dict[str, list[Took]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, (words, source) in ways.items():
            one = took(words, folder, source)
            if number:
                found[name].append(one)
    first, *_ = ways
    for name, every in found.items():
        ratios = []
        for part in ("seconds", "cpu"):
            each = sorted(
                getattr(own, part) / getattr(base, part)
                for own, base in zip(every, found[first], strict=True)
            )
            ratios.append(f"{median(each):.2f} ({each[0]:.2f}-{each[-1]:.2f})")
        print(
            f"  {name:28} {median(one.seconds for one in every):6.2f} s "
            f"{median(one.cpu for one in every):6.2f} CPU s "
            f"{max(one.megabytes for one in every):5.0f} MB"
            + ("" if name == first else f"  wall {ratios[0]}, CPU {ratios[1]} of the first"),
            flush=True,
        )


def same(first: Path, second: Path) -> None:
    """Refuses predictions that differ in a byte."""
    if first.exists() and second.exists() and first.read_bytes() != second.read_bytes():
        raise RuntimeError(f"{first.name} and {second.name} differ")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, help="the src of another checkout of Seedbed")
    args = parser.parse_args()
    before = args.before and args.before.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, rows in (("table", args.rows), ("small", 100), ("train", 10_000)):
            took([sys.executable, str(TABLE), str(rows), f"{file}.csv"], folder)
        data = ["data=csv", "data.target=y"]
        run = ["train", *data, "data.path=train.csv", "trainer.epochs=1", "hydra.run.dir=run"]
        took([*SEEDBED, *run], folder)

        def ways(*words: str) -> dict[str, tuple[Sequence[str], Path | None]]:
            own = [*SEEDBED, *words]
            old = {"before": ([*own, *(["--output", "before.csv"] * ("predict" in own))], before)}
            new = {"now": ([*own, *(["--output", "now.csv"] * ("predict" in own))], None)}
            return (old if before else {}) | new

        print(f"{args.rows:,} rows, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print("ready to train on")
        peer = {"pyarrow and scikit-learn": ([sys.executable, str(PEER), "table.csv", "y"], None)}
        turns({**peer, **ways("validate", *data, "data.path=table.csv")}, folder, args.rounds)
        print("predict")
        turns(ways("predict", "run", "--file", "table.csv"), folder, args.rounds)
        same(folder / "before.csv", folder / "now.csv")
        if before:
            print("100 rows: validate, predict")
            small = ways("validate", *data, "data.path=small.csv")
            turns(small, folder, 4 * args.rounds)
            turns(ways("predict", "run", "--file", "small.csv"), folder, 4 * args.rounds)


if __name__ == "__main__":
    main()
