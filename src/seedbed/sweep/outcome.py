"""What a sweep leaves beside its runs: `sweep.json` and `results.csv`."""

import csv
import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seedbed.errors import ConfigError, RunDirectoryError
from seedbed.runs.files import json_text, write_bytes, write_text
from seedbed.runs.layout import SWEEP_JOBS, SWEEP_TABLE, RunPaths
from seedbed.runs.reader import LARGEST_LIST, read_json
from seedbed.runs.status import Status
from seedbed.runs.stored import is_stored
from seedbed.runs.sweep_hold import refuse_taken
from seedbed.sweep.units import Units

WRITE_SECONDS = 1.0
"""How old `sweep.json` may be at least; how a job stands is told by its own directory."""

WRITING = 0.01
"""Part of a sweep's time that may go into writing `sweep.json`, which is written whole."""

AT_ONCE = 2048
"""Jobs that are turned into JSON at a time."""

FEWEST_BYTES = 200
"""Of a job in `sweep.json`: where so many fit, they need not be counted."""

ROOM = 1.1
"""How much longer the list may become, by groups and by errors of jobs."""

UNWRITTEN = ("metrics", "higher_is_better")
"""Of a job, what its own directory tells."""

HEAD = ("number", "directory", "status")
"""Of a job, the first columns of the sweep's table."""


@dataclass
class JobState:
    """One job, as `sweep.json` has it.

    Args:
        number: from 0.
        overrides: what sets the job apart.
        directory: its folder in the sweep's.
        identity: hash of its resolved config.
        status: as in `status.json`, or `pending`.
        error: of a job that failed.
        group: number of those that it trains with, from 1, or None for a job on its own.
        metrics: of a job that ended; not written.
        higher_is_better: of those that are not Seedbed's; not written.
        rows: equal for jobs that are measured on the same rows.
        loss: equal for jobs with the same loss.
        scale: equal for jobs whose targets are scaled alike.
        metric_units: of metrics that the config names, by name: equal for jobs that measure alike.
    """

    number: int
    overrides: list[str]
    directory: str
    identity: str
    status: str = Status.PENDING
    error: str | None = None
    group: int | None = None
    metrics: dict[str, float] | None = None
    higher_is_better: dict[str, bool | None] = field(default_factory=dict)
    rows: str = ""
    loss: str = ""
    scale: str = ""
    metric_units: dict[str, str] = field(default_factory=dict)

    @property
    def units(self) -> Units:
        """Of its numbers."""
        return Units(self.loss, self.scale, self.metric_units)

    @property
    def settings(self) -> dict[str, str]:
        """The overrides by key, as typed."""
        return dict(override.partition("=")[::2] for override in self.overrides)

    @property
    def row(self) -> dict[str, Any]:
        """Of the sweep's table: the number, folder and status, the settings, the metrics."""
        head = {key: getattr(self, key) for key in HEAD}
        return {**head, **self.settings, **(self.metrics or {})}


@dataclass
class SweepState:
    """A sweep while it runs.

    Args:
        directory: of the sweep.
        jobs: all of them.
        origin: what `resume` needs to compose the jobs again.
        ended_by_failure: whether a job that failed interrupted others, and no person did.
    """

    directory: Path
    jobs: Sequence[JobState]
    origin: dict[str, Any] = field(default_factory=dict)
    ended_by_failure: bool = False
    _due: float = 0.0

    def write_jobs(self, *, now: bool = True) -> None:
        """Writes `sweep.json`; without `now` only if the last time is a while ago.

        The while is longer the more jobs there are: else the writing takes a time that grows with
        the square of their number, as the number of stacks grows too.

        Raises:
            RunTakenError: if another process has gone on with the sweep.
        """
        began = time.monotonic()
        if not now and began < self._due:
            return
        refuse_taken(self.directory)
        write_bytes(self.directory / SWEEP_JOBS, b"".join(self._json()))
        ended = time.monotonic()
        self._due = ended + max(WRITE_SECONDS, (ended - began) / WRITING)

    def refuse_too_many(self) -> None:
        """Before a new sweep begins: none goes on whose list is too long to be read.

        Raises:
            ConfigError: saying how many jobs fit.
        """
        if len(self.jobs) * FEWEST_BYTES < LARGEST_LIST:
            return
        size = ROOM * sum(map(len, self._json()))
        if size > LARGEST_LIST:
            fit = int(len(self.jobs) * LARGEST_LIST / size)
            raise ConfigError(
                f"a {SWEEP_JOBS} of {len(self.jobs)} jobs has about {size / 2**20:.0f} MiB, and up "
                f"to {LARGEST_LIST / 2**20:.0f} MiB are read; type fewer jobs (about {fit} fit), "
                "and the others as another sweep"
            )

    def _json(self) -> Iterator[bytes]:
        """`sweep.json` as `write_json` makes it, with the plain forms of some jobs at a time."""
        head = json_text({**self.origin, "jobs": []})
        yield head.removesuffix("]\n}").encode()
        for start in range(0, len(self.jobs), AT_ONCE):
            some = self.jobs[start : start + AT_ONCE]
            plain = [{k: v for k, v in vars(job).items() if k not in UNWRITTEN} for job in some]
            yield b"," if start else b""
            yield json_text(plain)[1:-2].replace("\n", "\n  ").encode()
        yield b"\n  ]\n}\n" if self.jobs else b"]\n}\n"

    def write_all(self) -> None:
        """Writes both files as things stand."""
        self.write_jobs()
        self.write_table()

    def write_table(self) -> None:
        """Writes `results.csv`: a job a line, its settings and its metrics; no times.

        The last column, `rows`, is equal for jobs that are measured on the same rows.

        Raises:
            RunTakenError: if another process has gone on with the sweep.
        """
        refuse_taken(self.directory)
        keys = dict.fromkeys(key for job in self.jobs for key in job.settings)
        names = dict.fromkeys(name for job in self.jobs for name in job.metrics or {})
        text = io.StringIO()
        columns = [*HEAD, *keys, *names, "rows"]
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**job.row, "rows": job.rows} for job in self.jobs)
        write_text(self.directory / SWEEP_TABLE, text.getvalue())

    @property
    def unsuccessful(self) -> list[JobState]:
        """Jobs that did not complete."""
        return [job for job in self.jobs if job.status != Status.COMPLETED]


def has_begun(sweep: Path, job: JobState) -> bool:
    """Whether a job is a run already: where there is a config, a run finds all that it needs."""
    return is_stored(RunPaths(sweep / job.directory).config)


def read_sweep(directory: Path) -> SweepState:
    """The sweep in a directory, which may come from a stranger.

    Raises:
        RunDirectoryError: if there is none, or it is damaged.
    """
    content = read_json(directory / SWEEP_JOBS, LARGEST_LIST)
    jobs = content.pop("jobs", None)
    try:
        records = [JobState(**job) for job in jobs or []]
    except TypeError as err:
        raise RunDirectoryError(f"'{directory / SWEEP_JOBS}' is damaged: {err}") from err
    for record in records:
        name = record.directory
        if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
            raise RunDirectoryError(f"'{directory / SWEEP_JOBS}' names the folder {name!r}")
        _refuse_wrong_types(record, directory / SWEEP_JOBS)
    if len({record.number for record in records}) < len(records):
        raise RunDirectoryError(f"'{directory / SWEEP_JOBS}' gives two jobs one number")
    if not records:
        raise RunDirectoryError(f"'{directory / SWEEP_JOBS}' holds no jobs")
    return SweepState(directory, records, content)


def _refuse_wrong_types(record: JobState, file: Path) -> None:
    for key in ("identity", "status", "rows", "loss", "scale"):
        if not isinstance(getattr(record, key), str):
            raise RunDirectoryError(f"'{file}': {key} of a job must be a text")
    units = record.metric_units
    if not isinstance(units, dict) or not all(isinstance(one, str) for one in units.values()):
        raise RunDirectoryError(f"'{file}': metric_units of a job must be texts by name")
    if not isinstance(record.error, str | None):
        raise RunDirectoryError(f"'{file}': error of a job must be a text or null")
    if type(record.number) is not int or record.number < 0:
        raise RunDirectoryError(f"'{file}': number of a job must be a whole number >= 0")
    if record.group is not None and type(record.group) is not int:
        raise RunDirectoryError(f"'{file}': group of a job must be a whole number or null")
    overrides = record.overrides
    if not isinstance(overrides, list) or not all(
        isinstance(override, str) for override in overrides
    ):
        raise RunDirectoryError(f"'{file}': overrides of a job must be a list of texts")
