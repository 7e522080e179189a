"""Measures sweeps, whole processes: Seedbed against Hydra's launchers and Lightning.

    python benchmarks/sweep.py [--jobs 1000] [--only PART …] [--json FILE] [--plot [FILE]]
    python benchmarks/sweep.py --drawn-again FILE [--plot FILE]

README.md beside this file says what is measured and how.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import report, sweep_curve, sweep_report, sweep_ways
from measure.sweep_curve import Point
from measure.sweeps import Cost, Way, measured

PLOT = Path(__file__).parents[1] / "docs" / "images" / "sweep_cost.png"
MANY = 10
"""How many times the article's jobs the largest sweep has."""

DIGITS_JOBS = 64

PROCESSES_JOBS = 256

PARTS: dict[str, tuple[str, Callable[[], list[Way]]]] = {
    "article": ("article", lambda: [sweep_ways.article(), *sweep_ways.peers()]),
    "article10k": ("article, many", lambda: [sweep_ways.article(), sweep_ways.basic()]),
    "grid": (
        "optimizer x rate x decay x seed",
        lambda: [sweep_ways.ours("Seedbed", sweep_ways.grid, "loader.batch_size=2")],
    ),
    "digits": (
        "digits, 64-32-10",
        lambda: [*sweep_ways.digits("[32]"), sweep_ways.basic(sweep_ways.rates, "digits")],
    ),
    "wide": ("digits, 64-256-256-10", lambda: list(sweep_ways.digits("[256,256]"))),
    "processes": (
        "digits, 64-32-10, by processes",
        lambda: sweep_ways.processes(sweep_ways.rates, *sweep_ways.DIGITS, "model.hidden=[32]"),
    ),
    "article, processes": (
        "article, by processes",
        lambda: sweep_ways.processes(sweep_ways.seeds, "loader.batch_size=2"),
    ),
}
"""The name of each sweep, as printed, and the ways to run it; the first is Seedbed's best."""

CURVE, CURVE_OF_ONE = "curve", "curve of one process"

BASIC = "basic launcher, hand-written"


def main() -> int:
    args = _arguments()
    os.environ.pop("OMP_NUM_THREADS", None)
    # Kept bytecode is what a user has; forbidden, whoever has the most modules pays the most.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if args.threads:  # of every process that is started from here
        os.environ["OMP_NUM_THREADS"] = str(args.threads)
    head = {**report.header(), "threads": args.threads}
    print(_header_text(head), flush=True)
    costs: dict[str, list[Cost]] = {}
    points: list[Point] = []
    one: list[Point] = []
    failed: list[str] = []
    if args.drawn_again:
        _draw(json.loads(args.drawn_again.read_text(encoding="utf-8")), args.plot or PLOT)
        return 0
    with tempfile.TemporaryDirectory(dir=args.folder) as temporary:
        folder = Path(temporary)
        for part in args.only:
            try:
                if part == CURVE:
                    points, one = _curve(args, folder)
                else:
                    costs[part] = _part(part, args, folder)
            except (RuntimeError, subprocess.CalledProcessError) as err:
                failed.append(part)  # the others' figures are kept
                _say(f"{part} failed: {err}")
    _tell(args, head, costs, points, one)
    return 1 if failed else 0


def _tell(
    args: argparse.Namespace,
    head: dict[str, object],
    costs: dict[str, list[Cost]],
    points: list[Point],
    one: list[Point],
) -> None:
    """Prints what was measured, and writes and draws it where that is asked for."""
    if costs:
        named = {PARTS[part][0]: rows for part, rows in costs.items()}
        print(f"\n{sweep_report.costs_text(named)}")
    if points:
        print(f"\n{sweep_report.curve_text(points)}")
    content = {
        "header": head,
        "rounds": args.rounds,
        "sweeps": {part: {c.name: c.plain() for c in rows} for part, rows in costs.items()},
        "curve": [point.plain() for point in points],
        "curve of one process": [point.plain() for point in one],
        "arithmetic": "JAX's compiled arithmetic" if args.jax else "the arithmetic by hand",
    }
    if args.json:
        args.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if args.plot and points:
        _draw(content, args.plot)


def _draw(content: dict[str, Any], path: Path) -> None:
    """Draws the curve from what `--json` has."""
    points, one = ([Point.of(p) for p in content[name]] for name in (CURVE, CURVE_OF_ONE))
    named = content["sweeps"].get("article", {})
    basic = next((Cost.of(name, cost) for name, cost in named.items() if BASIC in name), None)
    rounds = content["rounds"]
    caption = f"{_header_text(content['header'])}; {rounds} round{'s' * (rounds > 1)}"
    sweep_report.draw(points, one, basic, content["arithmetic"], caption, path)


def _header_text(head: dict[str, object]) -> str:
    threads = head["threads"]
    return report.header_text(
        head, threads=f"threads: {threads}" if threads else "threads by torch's choice"
    )


def _part(part: str, args: argparse.Namespace, folder: Path) -> list[Cost]:
    _say(f"measuring: {PARTS[part][0]}")
    jobs = {
        "article10k": MANY * args.jobs,
        "digits": min(DIGITS_JOBS, args.jobs),
        "wide": min(DIGITS_JOBS, args.jobs),
        "processes": min(PROCESSES_JOBS, args.jobs),
    }.get(part, args.jobs)
    peer_jobs = jobs if args.whole else args.peer_jobs
    return measured(PARTS[part][1](), jobs, peer_jobs, args.rounds, folder)


def _curve(args: argparse.Namespace, folder: Path) -> tuple[list[Point], list[Point]]:
    """Up to about ten times the article's jobs: a stack a core, and all in one process."""
    _say("measuring: cost by number of jobs")
    numbers = [number for number in sweep_curve.JOBS if number <= MANY * args.jobs]
    cores, _, one = sweep_ways.processes(sweep_ways.seeds, "loader.batch_size=2")
    return sweep_curve.curve([cores, one], numbers, args.rounds, folder, args.jax)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parts = [*PARTS, CURVE]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, metavar="PART")
    parser.add_argument("--jobs", type=_jobs, default=1000, help="of the article's sweep")
    parser.add_argument("--peer-jobs", type=_jobs, default=60, help="of a peer; then it is scaled")
    parser.add_argument("--whole", action="store_true", help="peers run every job")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of each process; else by torch's choice")
    parser.add_argument("--folder", type=Path, help="where the sweeps write; else a temporary one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", nargs="?", const=PLOT, help="draw the curve"
    )
    parser.add_argument("--jax", metavar="PYTHON", help="that has JAX, whose arithmetic is a floor")
    parser.add_argument(
        "--drawn-again", type=Path, metavar="FILE", help="draw what --json wrote, measure nothing"
    )
    return parser.parse_args()


def _jobs(text: str) -> int:
    """At least four: a cost a job is the difference of two sweeps."""
    number = int(text)
    if number < 4:
        raise argparse.ArgumentTypeError(f"must be 4 or more, got {number}")
    return number


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
