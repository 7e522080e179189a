"""Trains sixty configs with two checkouts of Seedbed and compares what they leave bit for bit.

    python benchmarks/same_bits.py OLD NEW [--only WORD …] [--folder DIR] [--json FILE]

OLD and NEW are folders of checkouts. Both run in the environment of this Python, each on a core of
its own: single runs, stacks, and some that are killed with SIGKILL and resumed. Compared are
`model.pth`, `history.csv`, the metrics, the curves of the event file and the names of the files of
every run directory, and `results.csv` of every sweep. README.md beside this file says more.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from measure.bit_cases import CASES, BitCase, write_inputs
from measure.same_run import differences

from seedbed.runs.layout import RunPaths

PATIENCE = 300.0
"""Seconds that one command may take."""

LOOK = 0.005
KILLS = 2


@dataclass(frozen=True)
class Checkout:
    """One of the two.

    Args:
        root: its folder.
        folder: where it works.
    """

    root: Path
    folder: Path

    def start(self, words: list[str]) -> subprocess.Popen[str]:
        """Starts `seedbed WORDS`; it says nothing but errors."""
        environment = {
            **{key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"},
            "PYTHONPATH": os.pathsep.join([str(self.root / "src"), str(self.folder)]),
            "SEEDBED_ALLOW": "own_parts",
        }
        return subprocess.Popen(
            [sys.executable, "-c", "from seedbed.cli.main import script; script()", *words],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def made(self, number: int, case: BitCase) -> Path:
        """Trains a case to its end; its folder.

        Raises:
            RuntimeError: if a command fails.
        """
        out = self.folder / f"case{number}"
        sweep = case.way in ("stack", "killed sweep")
        key = "hydra.sweep.dir" if sweep else "hydra.run.dir"
        words = ["train", *shlex.split(case.words), f"{key}={out.name}"]
        if sweep:
            words.append("-m")
            if "sweep.fuse" not in case.words:  # whether it pays is measured, so it is said here
                words.append("sweep.fuse=always")
        if not case.way.startswith("killed"):
            _ended(self.start(words))
            return out
        for _ in range(KILLS):
            _killed(self.start(words), out)
            words = ["resume", out.name]
        _ended(self.start(words))
        return out


def main() -> int:
    args = _arguments()
    cases = [
        (number, case)
        for number, case in enumerate(CASES)
        if all(word in f"{case.way}: {case.name}" for word in args.only)
    ]
    told: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(dir=args.folder) as temporary:
        checkouts = []
        for name in ("old", "new"):
            folder = Path(temporary) / name
            folder.mkdir()
            write_inputs(folder)
            checkouts.append(Checkout(Path(getattr(args, name)).resolve(), folder))
        for number, case in cases:
            found = _compared(checkouts, number, case)
            told[f"{case.way}: {case.name}"] = found
            print(f"{case.way}: {case.name}: {'; '.join(found) or 'identical'}", flush=True)
    same = sum(not found for found in told.values())
    print(f"{same} of {len(told)} identical")
    if args.json:
        args.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0 if same == len(told) else 1


def _compared(checkouts: list[Checkout], number: int, case: BitCase) -> list[str]:
    """What differs, a line each."""
    try:
        with ThreadPoolExecutor(len(checkouts)) as pool:
            old, new = pool.map(lambda one: one.made(number, case), checkouts)
    except RuntimeError as err:
        return [str(err)]
    return list(_differences(old, new))


def _differences(old: Path, new: Path) -> Iterator[str]:
    names = [sorted(str(run.relative_to(root)) for run in _runs(root)) for root in (old, new)]
    if names[0] != names[1] or not names[0]:
        yield f"runs: {names[0]} and {names[1]}"
        return
    for name in names[0]:
        for found in differences(RunPaths(old / name), RunPaths(new / name)):
            yield f"{name}: {found}"
    tables = [root / "results.csv" for root in (old, new)]
    if tables[0].exists() and tables[0].read_bytes() != tables[1].read_bytes():
        yield "results.csv differs"


def _runs(root: Path) -> list[Path]:
    return [path.parent for path in root.rglob("status.json")]


def _ended(process: subprocess.Popen[str]) -> None:
    try:
        _, said = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired as err:
        process.kill()
        raise RuntimeError(f"not over after {PATIENCE:.0f} s") from err
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {said.strip()}")


def _killed(process: subprocess.Popen[str], out: Path) -> None:
    """Kills it once it has written a checkpoint of its own."""
    before = _checkpoints(out)
    until = time.monotonic() + PATIENCE
    while process.poll() is None and _checkpoints(out) == before and time.monotonic() < until:
        time.sleep(LOOK)
    process.kill()
    process.communicate()
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"exit code {process.returncode} before it could be killed")


def _checkpoints(out: Path) -> dict[str, int]:
    """The checkpoints of all runs, and when each was written."""
    found = {}
    for path in out.rglob("last.pt"):
        try:
            found[str(path)] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("old", type=_checkout, metavar="OLD")
    parser.add_argument("new", type=_checkout, metavar="NEW")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="of the cases' names")
    parser.add_argument("--folder", type=Path, help="where the runs are; else a temporary one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what differs")
    return parser.parse_args()


def _checkout(text: str) -> Path:
    root = Path(text)
    if not (root / "src" / "seedbed").is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' holds no src/seedbed")
    return root


if __name__ == "__main__":
    sys.exit(main())
