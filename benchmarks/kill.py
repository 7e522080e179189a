"""Stops runs at random moments, resumes them, and holds them against runs that were never stopped.

    python benchmarks/kill.py [--kills 200] [--seed 0] [--by WAY …] [--folder DIR]

Torch is imported once: every attempt is a fork of this process, so that a kill costs a second. The
ways to stop: `kill` (SIGKILL), `term` (SIGTERM), `twice` (Ctrl-C twice) and `full` (the disk fills
up; `--folder` must then be on a small disk of its own).
"""

import argparse
import random
import shlex
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot  # noqa: F401  what a run imports late, so that no attempt has to
import sklearn.datasets  # noqa: F401
import torch
from measure.attempts import WAYS, Attempt
from measure.same_run import differences

import seedbed.cli.resume
import seedbed.cli.train
import seedbed.recording.figure
import seedbed.recording.run
import seedbed.tasks.head
import seedbed.views.summary  # noqa: F401
from seedbed.errors import SeedbedError
from seedbed.process.exit_codes import DONE, WRONG_INPUT
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_config, read_status

DIGITS = """data=sklearn data.dataset=digits loss=cross_entropy loader.batch_size=64
    trainer.epochs=24 trainer.threads=1"""
CASES = {
    "custom, dropout, batch_norm, cosine": """model=custom model.hidden=[32] model.dropout=0.3
        model.batch_norm=true scheduler=cosine optimizer.lr=0.1 trainer.early_stopping=4""",
    "manual, plateau": """model=manual model.hidden=[32] model.start=xavier scheduler=plateau
        scheduler.patience=0 optimizer=rmsprop optimizer.lr=0.03 trainer.early_stopping=5""",
    "sequential, onecycle": """model=sequential scheduler=onecycle optimizer=adamw
        'model.layers=[{Linear:32},ReLU,{Dropout:0.2},Linear]' trainer.early_stopping=6""",
}
EVERY = (7, 20, 33)
"""Steps between two checkpoints; an epoch has 20."""

ANY_MOMENT = 0.2
"""Share of the stops that may come before training has begun."""


@dataclass
class Tally:
    """What happened so far."""

    stops: int = 0
    early: int = 0
    ended: int = 0
    problems: list[str] = field(default_factory=list)


class Breaker:
    """Runs one case to its end, with as many stops as it takes.

    Args:
        folder: for the run, empty.
        output: for what it says.
        words: of `seedbed train`.
        by: names of `WAYS`; one is drawn for each stop.
        longest: seconds from the beginning of training within which a stop falls.
        rng: of the moments.
    """

    def __init__(
        self,
        folder: Path,
        output: Path,
        words: list[str],
        by: list[str],
        longest: float,
        rng: random.Random,
    ) -> None:
        self.folder, self.output, self.words = folder, output, words
        self.by, self.longest, self.rng = by, longest, rng
        self.way = by[0]
        self.run = RunPaths(folder / "run")
        self.tally = Tally()

    def to_the_end(self, stops: int) -> Tally:
        """Stops it `stops` times at most; it may end before."""
        begin = ["train", *self.words, f"hydra.run.dir={self.run.root}"]
        words = begin
        while True:
            attempt = Attempt(words, self.output)
            goes_on = self.tally.stops < stops
            if goes_on:
                self.stop(attempt)
            if attempt.wait() == DONE:
                self.tally.ended = 1
                return self.tally
            self.tally.stops += goes_on
            self.expect(goes_on, f"not stopped, but exit code {attempt.code}: {attempt.errors()}")
            self.check(attempt)
            (self.folder / "filler").unlink(missing_ok=True)
            if self.tally.problems:
                return self.tally
            words = ["resume", str(self.run.root)]
            if not self.run.config.is_file():
                self.start_over()
                words = begin

    def stop(self, attempt: Attempt) -> None:
        """Waits for a random moment, and stops the attempt."""
        self.way = self.rng.choice(self.by)
        if self.way != "kill" or self.rng.random() > ANY_MOMENT:
            attempt.wait_until_it_trains(self.run)
        if attempt.wait(self.rng.uniform(0, self.longest)) is None:
            WAYS[self.way][0](attempt.child, self.folder)

    def check(self, attempt: Attempt) -> None:
        """Holds the run directory of a stopped attempt against what is promised."""
        said, code = attempt.errors(), attempt.code
        if self.way == "full":
            one = len(said) == 1 and said[0].startswith("error: cannot write ")
            self.expect(one, f"stderr {said}")
        for path in (self.run.last, self.run.best):
            if path.exists():
                try:
                    torch.load(path, weights_only=True)
                except Exception as err:
                    self.expect(False, f"{path.name}: {type(err).__name__}: {err}")
        right = code in WAYS[self.way][1]
        if not self.run.config.is_file():
            self.expect(right, f"exit code {code}, stderr {said}")
            return
        try:
            read_config(self.run)
            status = read_status(self.run)["status"]
        except SeedbedError as err:
            self.expect(False, str(err))
            return
        allowed = {"interrupted", "failed"} if self.way == "full" else {"interrupted"}
        self.expect(status in {*allowed, "completed"}, f"status {status}")
        if status != "completed":  # else it was over, and only had to say so
            self.expect(right, f"exit code {code}, stderr {said}")

    def start_over(self) -> None:
        """A run that had no config yet cannot be resumed: it says so, and is made anew."""
        self.tally.early += 1
        attempt = Attempt(["resume", str(self.run.root)], self.output)
        code, said = attempt.wait(), attempt.errors()
        right = code == WRONG_INPUT and len(said) == 1 and said[0].startswith("error: ")
        self.expect(right, f"resume without a config: exit code {code}, stderr {said}")
        shutil.rmtree(self.run.root, ignore_errors=True)

    def expect(self, right: bool, problem: str) -> None:
        """Notes what is not as promised."""
        if not right:
            self.tally.problems.append(f"stop {self.tally.stops}: {problem}")


def broken(folder: Path, scratch: Path, stops: int, by: list[str], rng: random.Random) -> Tally:
    """Goes round the cases until there were so many stops.

    Args:
        folder: of the runs that are stopped.
        scratch: of those that are not.
        stops: how many.
        by: names of `WAYS`.
        rng: of the moments.
    """
    total, number, names = Tally(), 0, list(CASES)
    whole: dict[str, tuple[RunPaths, float]] = {}
    while total.stops < stops:
        name, every = names[number % len(names)], EVERY[number // len(names) % len(EVERY)]
        words = shlex.split(f"{DIGITS} {CASES[name]} 'trainer.checkpoint_every={every} steps'")
        if name not in whole:
            whole[name] = uninterrupted(scratch / f"whole{number}", words)
        reference, seconds = whole[name]
        here = folder / f"run{number}"
        here.mkdir()
        one = Breaker(here, scratch, words, by, seconds / 2, rng).to_the_end(stops - total.stops)
        if one.ended:
            one.problems += differences(reference, RunPaths(here / "run"))
        total.problems += [f"{name}, every {every} steps, {here.name}: {p}" for p in one.problems]
        total.stops, total.early = total.stops + one.stops, total.early + one.early
        total.ended, number = total.ended + one.ended, number + 1
        if not one.problems:
            shutil.rmtree(here)
    return total


def uninterrupted(folder: Path, words: list[str]) -> tuple[RunPaths, float]:
    """A run that is left alone, and the seconds from the beginning of its training to its end."""
    folder.mkdir()
    run = RunPaths(folder / "run")
    attempt = Attempt(["train", *words, f"hydra.run.dir={run.root}"], folder)
    attempt.wait_until_it_trains(run)
    began = time.monotonic()
    if attempt.wait() != DONE:
        raise RuntimeError(f"exit code {attempt.code}: {attempt.errors()}")
    return run, time.monotonic() - began


def command() -> int:
    """The command line; 1 if anything was not as promised."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--by", choices=WAYS, nargs="+", default=["kill"])
    parser.add_argument("--folder", type=Path, help="of the runs; else a temporary one")
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.folder or Path(scratch)).resolve()
        total = broken(folder, Path(scratch), args.kills, args.by, random.Random(args.seed))
    for problem in total.problems:
        print(problem)
    print(
        f"{total.stops} stops by {', '.join(args.by)}; "
        f"{total.early} of them before there was a config; {total.ended} runs to their ends; "
        f"{len(total.problems)} mismatches; {time.monotonic() - began:.0f} s"
    )
    return 1 if total.problems else 0


if __name__ == "__main__":
    sys.exit(command())
