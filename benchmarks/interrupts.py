"""Interrupts commands at random moments, and looks for what must not be left behind.

    python benchmarks/interrupts.py [--commands 60] [--seed 0]

Each command is a process of its own, in a session of its own. Ctrl-C, SIGTERM or SIGHUP reaches the
process, or all processes of its session as a terminal sends it, once or twice, from 50 ms after
the start on; what Python itself does before the first line of ours is counted apart. The command
must end within seconds with the signal's exit code and one line, leave no process and no temporary
file, and every file on the disk must be whole. Linux alone, for `/proc`.
"""

import argparse
import contextlib
import getpass
import io
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
import yaml

from seedbed.cli.main import main

PATIENCE = 150.0
"""Seconds; a command that has not ended by then hangs."""

GONE = 5.0
"""Seconds within which the other processes of a command have ended, on a busy machine."""

FIRST, LAST = 0.05, 5.0
"""Seconds after the start between which a signal falls, where it does not wait for a first line."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONG = "trainer.epochs=300000"
"""Half a minute and more, and 80 MB."""

SWEEP = ["train", "-m", "seed=range(0,100)", "hydra.sweep.dir=made"]
LONG_SWEEP = ["model.hidden=[128,128]", "sweep.fuse=always", "trainer.epochs=10000"]
"""Minutes of many cores by the work of each step: a hundred long histories would take 25 GB."""

POOL = ["train", "-m", "seed=1,2,3", "sweep.workers=2", "sweep.fuse=never", "hydra.sweep.dir=made"]
COMMANDS: dict[str, list[str]] = {
    "train": ["train", LONG, "hydra.run.dir=made"],
    "pool": [*POOL, LONG],
    "sweep": [*SWEEP, *LONG_SWEEP],
    "resume": ["resume", "stopped", LONG],
    "reproduce in a stack": ["reproduce", "sweep/0_seed=0"],
    "train with loaders": ["train", LONG, "loader.num_workers=2", "hydra.run.dir=made"],
    "predict": ["predict", "run", "--file", "rows.csv", "--output", "made.csv"],
    "sweep to its end": [*SWEEP, "trainer.epochs=300"],
    "resume a sweep": ["resume", "sweep"],
    "reproduce": ["reproduce", "run"],
    "compare": ["compare", "sweep"],
    "plot": ["plot", "sweep", "--output", "made.png"],
    "report": ["report", "sweep", "--output", "made.html"],
    "find a rate": ["lr-find", "--steps", "1000", "--output", "made.png"],
    "unpack": ["unpack", "packed", "--to", "made"],
}


@dataclass(frozen=True)
class Moment:
    """When and how a command is interrupted.

    Args:
        number: the signal.
        times: how often it is sent.
        gap: seconds in between.
        to_all: to all processes of the session, as by a terminal.
        after_line: count `seconds` from its first line of output.
        seconds: to wait.
    """

    number: signal.Signals
    times: int
    gap: float
    to_all: bool
    after_line: bool
    seconds: float

    @classmethod
    def drawn(cls, rng: random.Random, last: float) -> "Moment":
        """A random one, at most so many seconds after the start."""
        number, times = rng.choice(SIGNALS), rng.choice((1, 1, 2))
        gap, to_all, after_line = (
            rng.choice((0.0, 0.01, 0.5)),
            rng.random() < 0.5,
            rng.random() < 0.4,
        )
        seconds = rng.uniform(0, 1.5) if after_line else rng.uniform(FIRST, last)
        return cls(number, times, gap, to_all, after_line, seconds)

    def __str__(self) -> str:
        which = f"{self.number.name} x{self.times}{' to all' if self.to_all else ''}"
        return f"{which}, {self.seconds:.2f} s{' after its first line' if self.after_line else ''}"


@dataclass
class Attempt:
    """A command that is interrupted.

    Args:
        words: of `seedbed`.
        folder: to run in; everything that it may write lies there.
        moment: of the interruption.
    """

    words: list[str]
    folder: Path
    moment: Moment
    problems: list[str] = field(default_factory=list)
    code: int | None = None
    seconds: float = 0.0
    too_early: bool = False

    def made(self) -> "Attempt":
        """Runs it, and looks at what it left."""
        temporary = self.folder / "temporary"
        temporary.mkdir(exist_ok=True)
        with (self.folder / "err").open("w+b") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "seedbed", *self.words],
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=_hear_signals,
                env={**os.environ, "TMPDIR": str(temporary)},
            )
            self._interrupt()
            sent = time.monotonic()
            try:
                self.process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self.problems.append(f"hangs: {PATIENCE} s after the signal it lives")
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.communicate()
            self.code, self.seconds = self.process.returncode, time.monotonic() - sent
        self._look_at_ending()
        self._look_at_processes()
        left = {path.name for path in temporary.iterdir()} - {f"torchinductor_{getpass.getuser()}"}
        self.problems += [f"left {name} in TMPDIR" for name in left]  # but for torch's cache
        self.problems += broken_files(self.folder)
        return self

    def _interrupt(self) -> None:
        assert self.process.stdout is not None
        if self.moment.after_line:  # a pool says nothing before a job has ended
            select.select([self.process.stdout], [], [], 2 * LAST)
        time.sleep(self.moment.seconds)
        for _ in range(self.moment.times):
            if self.process.poll() is not None:
                return
            send = os.killpg if self.moment.to_all else os.kill
            send(self.process.pid, self.moment.number)
            time.sleep(self.moment.gap)

    def _look_at_ending(self) -> None:
        every = (self.folder / "err").read_text(encoding="utf-8").splitlines()
        said = [line for line in every if not line.startswith("note: ")]
        number = self.moment.number
        if self.code == 128 + number:
            one = len(said) == 1 and said[0].startswith("error: interrupted")
        elif self.code == -number:  # Python was still starting, and tells of a Ctrl-C itself
            self.too_early = True
            one = not any("seedbed/cli" in line for line in said)
        elif self.code == 0:  # it was done
            one = not said
        else:
            one = False
        if not one:
            self.problems.append(f"exit code {self.code}, stderr {said}")

    def _look_at_processes(self) -> None:
        until = time.monotonic() + GONE
        while (left := list(_session(self.process.pid))) and time.monotonic() < until:
            time.sleep(0.05)
        if left:
            self.problems.append(f"left processes: {left}")
            os.killpg(self.process.pid, signal.SIGKILL)


def _hear_signals() -> None:
    """A shell that starts this script in the background ignores Ctrl-C for it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _session(leader: int) -> Iterator[str]:
    """The processes of a session that live."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (path / "stat").read_text().rpartition(") ")
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:100]
        except OSError:
            continue  # it has ended
        state, _, _, session = rest.split()[:4]
        if int(session) == leader and state != "Z":
            yield f"{name}) {command}"


def broken_files(folder: Path) -> list[str]:
    """What is not whole, or not true, in all runs and sweeps under a folder."""
    readers: dict[str, Callable[[Path], object]] = {
        ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
        ".yaml": lambda path: yaml.load(path.read_bytes(), yaml.CSafeLoader),
        ".csv": lambda path: path.read_text(encoding="utf-8").rindex("\n", -1),
        ".pt": lambda path: torch.load(path, weights_only=True),
        ".pth": lambda path: torch.load(path, weights_only=True),
    }
    problems = []
    for path in folder.rglob("*"):
        where = path.relative_to(folder)
        if path.name.endswith(".tmp"):
            problems.append(f"left {where}")
        elif path.is_file() and path.suffix in readers:
            try:
                readers[path.suffix](path)
            except Exception as err:
                problems.append(
                    f"{where} ({path.stat().st_size} bytes): {type(err).__name__} {err}"
                )
    for path in folder.rglob("events.out.tfevents.*"):
        if not records_are_whole(path.read_bytes()):
            problems.append(f"{path.relative_to(folder)} ends within a record")
    for path in folder.rglob("status.json"):
        try:
            status = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            continue  # told above
        where = path.parent.relative_to(folder)
        if status["status"] not in ("completed", "interrupted"):
            problems.append(f"{where} is {status}")
        stepped = str(status["error"]).startswith("stopped in epoch")
        if stepped and not (path.parent / "checkpoints" / "last.pt").is_file():
            problems.append(f"{where} was {status['error']}, and has no checkpoint")
    return problems


def records_are_whole(content: bytes) -> bool:
    """Whether an event file is a row of records: a length, its checksum, so many bytes, theirs."""
    place = 0
    while place < len(content):
        place += 16 + int.from_bytes(content[place : place + 8], "little")
    return place == len(content)


def prepared(folder: Path, epochs: int, needed: Collection[str]) -> None:
    """What the commands begin with: a run, one to resume, a sweep half done, one in a pack.

    Args:
        folder: to make.
        epochs: of the run, and of those of the first sweep.
        needed: the words of all commands; nothing is packed where none names it.
    """
    folder.mkdir()
    length = f"trainer.epochs={epochs}"
    many = ["-m", "seed=range(0,8)", "sweep.fuse=always", "hydra.sweep.dir=sweep", length]
    packed = ["-m", "seed=range(0,300)", "sweep.layout=packed", "hydra.sweep.dir=packed"]
    made = [["hydra.run.dir=run", length], many]
    if "packed" in needed:
        made.append(packed)
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for words in made:
            assert main(["train", *words]) == 0
    shutil.copytree(folder / "run", folder / "stopped")
    for run in (folder / "stopped", *(folder / "sweep").glob("[4-7]_*")):
        status = json.loads((run / "status.json").read_text())
        (run / "status.json").write_text(json.dumps({**status, "status": "interrupted"}))
    (folder / "rows.csv").write_text("x1,x2\n" + "1,2\n" * 100_000)


def command() -> int:
    """The command line; 1 if anything was left behind."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--commands", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=3000, help="of the runs that are reproduced")
    parser.add_argument("--last", type=float, default=LAST, help="seconds from start to signal")
    parser.add_argument("--verbose", action="store_true", help="tell of each command")
    args = parser.parse_args()
    rng, began, problems, codes = random.Random(args.seed), time.monotonic(), 0, dict[str, int]()
    early = 0
    with tempfile.TemporaryDirectory() as scratch:
        names = [list(COMMANDS)[number % len(COMMANDS)] for number in range(args.commands)]
        needed = {word for name in names for word in COMMANDS[name]}
        prepared(Path(scratch) / "first", args.epochs, needed)
        for number, name in enumerate(names):
            folder = Path(scratch) / str(number)
            shutil.copytree(Path(scratch) / "first", folder)
            attempt = Attempt(COMMANDS[name], folder, Moment.drawn(rng, args.last)).made()
            codes[str(attempt.code)] = codes.get(str(attempt.code), 0) + 1
            if args.verbose:
                print(
                    f"{number} {name} ({attempt.moment}): {attempt.code}, {attempt.seconds:.1f} s"
                )
            for problem in attempt.problems:
                print(f"{number} {name} ({attempt.moment}): {problem}", flush=True)
            problems, early = problems + len(attempt.problems), early + attempt.too_early
            shutil.rmtree(folder)
    told = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    seconds = time.monotonic() - began
    print(
        f"{args.commands} commands; exit codes {told}, {early} while Python started; "
        f"{problems} problems; {seconds:.0f} s"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(command())
