"""Measures Seedbed against a hand-written PyTorch loop, and against its peers where installed.

    python benchmarks/training.py [--quick] [--json FILE]

README.md beside this file says what is measured and how.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from measure.pairs import Pairs
    from measure.report import Contender, Gate
    from measure.tasks import Task
    from peers import Train

PEERS = {"Lightning": "lightning", "skorch": "skorch", "Keras": "keras"}
START_UP_SECONDS = 0.6


@dataclass(frozen=True)
class Sizes:
    """How long is measured.

    Args:
        epochs: of the article's task, for a steady figure.
        peer_epochs: likewise, beside the peers, which take longer.
        rounds: pairs of a figure with a target.
        peer_rounds: rounds of all contenders.
        short_rounds: pairs of the article's 50 epochs, which are over at once.
        processes: pairs of whole processes, and times each command is started.
    """

    epochs: int
    peer_epochs: int
    rounds: int
    peer_rounds: int
    short_rounds: int
    processes: int


FULL = Sizes(epochs=1000, peer_epochs=500, rounds=15, peer_rounds=7, short_rounds=31, processes=9)
QUICK = Sizes(epochs=100, peer_epochs=20, rounds=3, peer_rounds=2, short_rounds=3, processes=1)


def main() -> int:
    args = _arguments()
    # Read when torch, OpenMP or Keras is first imported, which the imports below do.
    os.environ.update(OMP_NUM_THREADS="1", KERAS_BACKEND="torch")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # kept bytecode is what a user has
    import torch
    from measure import processes, report

    torch.set_num_threads(1)
    sizes = QUICK if args.quick else FULL
    head = report.header()
    print(report.header_text(head), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        gates = _gates(folder, sizes)
        started = processes.start_up(folder, sizes.processes)
        contenders = _contenders(folder, sizes)
    print(f"\n{report.contenders_text(contenders)}")
    print(f"\n{report.gates_text(gates)}")
    print(f"\n{report.start_up_text(started, START_UP_SECONDS)}")
    if args.json:
        content = {
            "header": head,
            "quick": args.quick,
            "contenders": {row.name: row.plain() for row in contenders},
            "targets": {
                gate.name: {**gate.pairs.plain(), "target": gate.target, "met": gate.met}
                for gate in gates
            },
            "start_up": {row.words: row.plain() for row in started},
        }
        Path(args.json).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a short run; its figures are rough")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    return parser.parse_args()


def _gates(folder: Path, sizes: Sizes) -> "list[Gate]":
    """The figures with a target; the peers are not imported yet."""
    from measure.processes import whole_process
    from measure.report import Gate
    from measure.tasks import article, many_rows, wide
    from peers import seedbed_run

    ours, with_files = seedbed_run.train, seedbed_run.train_with_files
    task, rounds = article(), sizes.rounds
    _say("Seedbed and the hand-written loop")
    steady = _against(ours, task, sizes.epochs, rounds)
    short = _against(ours, task, 50, sizes.short_rounds)
    files = _against(with_files, task, sizes.epochs, rounds)
    many, large = many_rows(folder), wide(folder)
    epoch = _against(ours, many, 1, rounds, unit=1)
    step = _against(ours, large, 1, rounds)
    _say("whole processes")
    process = whole_process(folder, sizes.processes)
    return [
        Gate(f"article's task, a step of {sizes.epochs} epochs", steady, 1.10),
        Gate("article's task, a step of its 50 epochs", short, 1.10),
        Gate(f"the same {sizes.epochs} epochs, with files at start and end", files, None),
        Gate("100,000 x 20 rows, 20-64-1, batch 256, an epoch", epoch, 0.40),
        Gate("1024-1024-1024, batch 256, a step", step, 1.03),
        Gate("whole process, article's task", process, 1.15),
    ]


def _contenders(folder: Path, sizes: Sizes) -> "list[Contender]":
    """All who are installed, in the same rounds."""
    from measure.pairs import Pairs, timed_turns
    from measure.report import Contender
    from measure.tasks import article, many_rows
    from peers import handwritten, seedbed_run

    ways = {"hand-written loop": handwritten.train, "Seedbed": seedbed_run.train}
    installed = {name: package for name, package in PEERS.items() if find_spec(package)}
    for name, package in installed.items():
        ways[name] = import_module(f"peers.{package}_fit").train
    _say(", ".join(ways))

    def timed(task: "Task", epochs: int, unit: int) -> dict[str, list[float]]:
        turns = {name: partial(train, task, epochs) for name, train in ways.items()}
        return timed_turns(turns, sizes.peer_rounds, unit)

    small = article()
    steps = timed(small, sizes.peer_epochs, sizes.peer_epochs * small.steps)
    epochs = timed(many_rows(folder), 1, 1)
    first = next(iter(ways))
    return [
        Contender(name, Pairs(steps[first], steps[name]), Pairs(epochs[first], epochs[name]))
        if name in ways
        else Contender(name)
        for name in [*list(ways)[:2], *PEERS]
    ]


def _against(
    train: "Train", task: "Task", epochs: int, rounds: int, unit: int | None = None
) -> "Pairs":
    """Seconds, by step unless another unit is given."""
    from measure.pairs import timed_pairs
    from peers import handwritten

    theirs, ours = partial(handwritten.train, task, epochs), partial(train, task, epochs)
    return timed_pairs(theirs, ours, rounds, unit or epochs * task.steps)


def _say(text: str) -> None:
    print(f"measuring: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
