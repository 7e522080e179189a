"""`data.path=FILE` after `resume SWEEP`: all jobs read it from there, and it has to be the same."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

from seedbed.compose.composed import ComposedConfig
from seedbed.config.check import checked
from seedbed.errors import ArgumentError, DataError, RunDirectoryError
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json
from seedbed.runs.relocation import Relocation, relocated
from seedbed.sweep.outcome import SweepState


def refuse_other_overrides(directory: Path, overrides: Sequence[str]) -> None:
    """Refuses what is not about where the data lies.

    Raises:
        ArgumentError: naming the first such word.
    """
    for override in overrides:
        if not override.startswith("data."):
            raise _not_taken(override, directory)


def _not_taken(override: str, directory: Path) -> ArgumentError:
    return ArgumentError(
        f"resuming a sweep takes data.path=FILE alone, got '{override}'; of one job, type "
        f"seedbed resume {directory}/JOB {override}"
    )


def moved(
    composed: Sequence[ComposedConfig], overrides: Sequence[str], directory: Path
) -> tuple[list[ComposedConfig], Relocation]:
    """The jobs, with where their data lies now.

    Args:
        composed: as they were when the sweep began.
        overrides: as typed.
        directory: of the sweep, for errors.

    Raises:
        ArgumentError: for a word about something else, or one that jobs of different data would
            share.
    """
    if not overrides:
        return list(composed), Relocation({})
    jobs: list[ComposedConfig] = []
    first: Relocation | None = None
    for one in composed:
        resolved, raw = (
            {**whole, "data": copy.deepcopy(whole["data"])} for whole in (one.resolved, one.raw)
        )
        relocation, others = relocated(resolved, overrides)
        if others:
            raise _not_taken(others[0], directory)
        first = relocation if first is None else first
        if relocation != first:
            raise ArgumentError(
                f"'{overrides[0]}': the jobs of the sweep have their data in several places; "
                f"resume each job, seedbed resume {directory}/JOB data.path=FILE"
            )
        relocation(raw)
        jobs.append(replace(one, config=checked(resolved), raw=raw))
    return jobs, first or Relocation({})


def refuse_other_data(sweep: SweepState, relocation: Relocation) -> None:
    """Refuses to run some jobs on other files than the rest.

    Args:
        sweep: some of whose jobs have begun.
        relocation: where their data lies now.

    Raises:
        DataError: naming the file that is not what a job began with.
    """
    new_files = dict(relocation.changes.values())
    digests: dict[Path, str] = {}
    for job in sweep.jobs:
        for file, digest in _files_of(RunPaths(sweep.directory / job.directory)).items():
            now = Path(new_files.get(file, file))
            if not now.is_file():
                continue
            if now not in digests:
                with now.open("rb") as content:
                    digests[now] = file_digest(content, "sha256").hexdigest()
            if digests[now] != digest:
                raise DataError(
                    f"data: '{now}' is not what the job '{job.directory}' was trained on, and the "
                    "jobs of a sweep are compared; put it back, or start a new sweep"
                )


def _files_of(paths: RunPaths) -> Mapping[str, object]:
    """The files of a job that has begun, with their digests."""
    try:
        data = read_json(paths.environment).get("data")
    except RunDirectoryError:
        return {}
    files = data.get("files") if isinstance(data, Mapping) else None
    return files if isinstance(files, Mapping) else {}
