"""The cost of a sweep by its number of jobs, and the floor below it.

The floor is twofold: importing torch and the arithmetic, which is JAX's compiled one where there
is a JAX (`peers/sweeps/jax_scan.py`), else torch's by hand (`batched.py`); and the disk alone:
files of the same number and sizes written by plain Python.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from numpy import polyfit

from measure.sweep_ways import APPS
from measure.sweeps import Ran, Way, run

JOBS = (1, 4, 16, 64, 256, 1024, 4096, 10_000)


@dataclass
class Point:
    """A number of jobs.

    Args:
        jobs: how many.
        ran: the sweeps, one a round.
        imported: seconds of importing torch, likewise.
        trained: seconds of the arithmetic; as JAX compiled it, where there is one.
        written: seconds of the disk.
        files: that the sweep leaves.
    """

    jobs: int
    ran: list[Ran] = field(default_factory=list)
    imported: list[float] = field(default_factory=list)
    trained: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    files: int = 0

    @property
    def seconds(self) -> float:
        """Of the sweep, the median."""
        return median(ran.seconds for ran in self.ran)

    @property
    def peak(self) -> float:
        """Of its memory, in MB, the median."""
        return median(ran.peak for ran in self.ran)

    @property
    def arithmetic(self) -> float:
        """Seconds of importing torch and of the arithmetic."""
        return median(a + b for a, b in zip(self.imported, self.trained, strict=True))

    @property
    def disk(self) -> float:
        """Seconds of writing the files."""
        return median(self.written)

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {
            "jobs": self.jobs,
            "seconds": [ran.seconds for ran in self.ran],
            "cpu": [ran.cpu for ran in self.ran],
            "peak_mb": [ran.peak for ran in self.ran],
            "import_torch": self.imported,
            "arithmetic": self.trained,
            "disk": self.written,
            "files": self.files,
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Point":
        """From what `plain` gave."""
        sweeps = zip(plain["seconds"], plain["peak_mb"], plain["cpu"], strict=True)
        ran = [Ran(*one) for one in sweeps]
        floors = (plain[name] for name in ("import_torch", "arithmetic", "disk"))
        return cls(plain["jobs"], ran, *floors, plain["files"])


@dataclass(frozen=True)
class Line:
    """The straight line through sweeps of many jobs: seconds, and seconds a job.

    Args:
        start: at no job.
        each: more, for each job.
        off: by how much a sweep is off it at most, in parts of its seconds.
    """

    start: float
    each: float
    off: float


def line(points: Sequence[Point], fewest: int = 256) -> Line:
    """The line that is off by the least squares of parts, over sweeps of `fewest` jobs and more."""
    many = [point for point in points if point.jobs >= fewest]
    weights = [1 / point.seconds for point in many]
    jobs = [point.jobs for point in many]
    each, start = polyfit(jobs, [point.seconds for point in many], 1, w=weights)
    off = max(abs(start + each * point.jobs - point.seconds) / point.seconds for point in many)
    return Line(float(start), float(each), off)


def curve(
    ways: Sequence[Way], numbers: Iterable[int], rounds: int, folder: Path, jax: str | None
) -> tuple[list[Point], list[Point]]:
    """Runs the sweep with each number of jobs in two ways, and its floors, `rounds` times in turn.

    Args:
        ways: the first has the floors.
        numbers: of jobs.
        rounds: of all.
        folder: to write into.
        jax: a Python that has it.
    """
    first, second = ways
    numbers = list(numbers)
    points, others = ([Point(jobs) for jobs in numbers] for _ in ways)
    run(first, 2, folder)
    for _ in range(rounds):
        for point, other in zip(points, others, strict=True):
            _measure(point, first, folder, jax)
            other.ran.append(run(second, other.jobs, folder))
    return points, others


def _measure(point: Point, way: Way, folder: Path, jax: str | None) -> None:
    def look(directory: Path) -> None:
        seconds, point.files = written_again(directory, directory.parent / "again")
        point.written.append(seconds)

    point.ran.append(run(way, point.jobs, folder, look))
    seconds = _said([sys.executable, str(APPS / "batched.py"), str(point.jobs)])
    point.imported.append(seconds["import"])
    if jax:
        seconds = _said([jax, str(APPS / "jax_scan.py"), "article", str(point.jobs)])
    point.trained.append(seconds["train"])


def _said(command: Sequence[str]) -> dict[str, float]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


def written_again(source: Path, target: Path) -> tuple[float, int]:
    """Writes files of the sizes and names of those in `source`.

    Returns:
        Seconds, and the number of files.
    """
    found = [(target / path.relative_to(source), path) for path in sorted(source.rglob("*"))]
    folders = [new for new, path in found if path.is_dir()]
    files = [(new, bytes(path.stat().st_size)) for new, path in found if path.is_file()]
    os.sync()
    started = time.perf_counter()
    target.mkdir()
    for folder in folders:
        folder.mkdir()
    for path, content in files:
        path.write_bytes(content)
    return time.perf_counter() - started, len(files)
