"""Whole sweeps: a process from start to exit, and what a job of it costs.

Of a peer some jobs are run, not all. A job costs what a larger sweep takes longer than a small one,
by job; the rest of the small one is the start-up. Both together are scaled to the jobs asked for.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

EVENTS = "events.out.tfevents.*"


@dataclass(frozen=True)
class Way:
    """A way to run a sweep.

    Args:
        name: as printed.
        command: the words, without the sweep's directory, for so many jobs.
        peer: whether it may be scaled from fewer jobs.
        model: name of the file with the weights in every job's directory.
    """

    name: str
    command: Callable[[int], list[str]]
    peer: bool = False
    model: str = "model.pth"


@dataclass(frozen=True)
class Ran:
    """One sweep.

    Args:
        seconds: from start to exit.
        peak: resident memory of the largest of its processes, in MB.
        cpu: seconds of all its processes; `seconds` far above them tell of a busy machine.
    """

    seconds: float
    peak: float
    cpu: float


@dataclass
class Cost:
    """What a sweep costs one way.

    Args:
        name: of the way.
        jobs: that are asked for.
        few: jobs of the small sweep.
        many: jobs of the larger one.
        small: one sweep of `few` a round.
        large: one of `many`.
    """

    name: str
    jobs: int
    few: int
    many: int
    small: list[Ran] = field(default_factory=list)
    large: list[Ran] = field(default_factory=list)

    @property
    def scaled(self) -> bool:
        """Whether fewer jobs were run than asked for."""
        return self.many != self.jobs

    @property
    def a_job(self) -> list[float]:
        """Seconds a job, of each round."""
        rounds = zip(self.small, self.large, strict=True)
        return [(two.seconds - one.seconds) / (self.many - self.few) for one, two in rounds]

    @property
    def start_up(self) -> list[float]:
        """Seconds that do not depend on the number of jobs, of each round."""
        rounds = zip(self.large, self.a_job, strict=True)
        return [ran.seconds - self.many * cost for ran, cost in rounds]

    @property
    def seconds(self) -> list[float]:
        """Of the jobs asked for, of each round."""
        rounds = zip(self.large, self.a_job, strict=True)
        return [ran.seconds + (self.jobs - self.many) * cost for ran, cost in rounds]

    def to(self, other: "Cost") -> list[float]:
        """Its seconds divided by the other's of the same round, sorted."""
        return sorted(a / b for a, b in zip(self.seconds, other.seconds, strict=True))

    def plain(self) -> dict[str, object]:
        """For JSON: the medians, and all that was measured."""
        return {
            "jobs": self.jobs,
            "scaled": self.scaled,
            "seconds": median(self.seconds),
            "seconds_a_job": median(self.a_job),
            "start_up": median(self.start_up),
            "rounds": [
                {"jobs": jobs, "seconds": ran.seconds, "cpu": ran.cpu, "peak_mb": ran.peak}
                for pair in zip(self.small, self.large, strict=True)
                for jobs, ran in zip((self.few, self.many), pair, strict=True)
            ],
        }

    @classmethod
    def of(cls, name: str, plain: Mapping[str, Any]) -> "Cost":
        """From what `plain` gave."""
        rounds = plain["rounds"]
        ran = [Ran(one["seconds"], one["peak_mb"], one["cpu"]) for one in rounds]
        few, many = rounds[0]["jobs"], rounds[1]["jobs"]
        return cls(name, plain["jobs"], few, many, ran[::2], ran[1::2])


def measured(
    ways: Sequence[Way], jobs: int, peer_jobs: int, rounds: int, folder: Path
) -> list[Cost]:
    """Runs each way in turn, `rounds` times, after one small sweep each that does not count.

    Args:
        ways: the first is what the others are held against.
        jobs: of the sweep, >= 4.
        peer_jobs: that a peer runs at most, >= 4.
        rounds: how many.
        folder: where the sweeps write.
    """
    sizes = [min(jobs, peer_jobs) if way.peer else jobs for way in ways]
    costs = [
        Cost(way.name, jobs, few=max(2, many // 10), many=many)
        for way, many in zip(ways, sizes, strict=True)
    ]
    for way in ways:
        run(way, 2, folder)
    for _ in range(rounds):
        for way, cost in zip(ways, costs, strict=True):
            cost.small.append(run(way, cost.few, folder))
            cost.large.append(run(way, cost.many, folder))
    return costs


def run(way: Way, jobs: int, folder: Path, look: Callable[[Path], None] | None = None) -> Ran:
    """A sweep in a directory of its own.

    It is left for `folder` to be removed with: ext4 takes ten times as long to make files in the
    seconds after others were removed.

    Args:
        way: to run it.
        jobs: how many.
        folder: where the directory is made.
        look: called with the directory afterwards.

    Raises:
        RuntimeError: if the process fails, or a job left no weights or no event file.
    """
    place = Path(tempfile.mkdtemp(dir=folder))
    directory = place / "sweep"
    command = [*way.command(jobs), f"hydra.sweep.dir={directory}"]
    ran = _timed(command, place)
    for pattern in (way.model, EVENTS):
        left = sum(1 for _ in directory.glob(f"*/{pattern}"))
        if left != jobs:
            raise RuntimeError(f"{left} of {jobs} jobs left {pattern}: {' '.join(command)}")
    if look is not None:
        look(directory)
    return ran


def _timed(command: Sequence[str], folder: Path) -> Ran:
    """Waits for the process by `wait4`, which also tells its memory and that of its children.

    A child begins with the memory of who starts it on its account: nothing large is imported here.
    """
    os.sync()  # what earlier sweeps wrote is not written during this one
    with (folder / "output").open("w+b") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # Ctrl-C: it writes no more while the folder is removed
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said}")
    return Ran(seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)
