"""Makes run directories of the runs of a packed sweep."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from seedbed.config.hints import counted, did_you_mean
from seedbed.errors import ArgumentError, RunDirectoryError
from seedbed.runs.files import printable, writing
from seedbed.runs.layout import SWEEP_JOBS
from seedbed.runs.pack import Pack
from seedbed.runs.stored import packs_of
from seedbed.runs.unpacking import Unpacking, refuse_what_is_there, remove_left
from seedbed.sweep.outcome import read_sweep


def unpack_runs(sweep: Path, jobs: Sequence[str], into: Path | None) -> Iterator[Path]:
    """Makes the directories of runs; yields each as it is there.

    Args:
        sweep: its directory, which may be a stranger's.
        jobs: their folders' names, or numbers; none for all runs.
        into: the folder that they go into; None for the sweep's own, where they are the runs from
            then on.

    Raises:
        ArgumentError: if a job is not in a pack.
        RunDirectoryError: if a pack is damaged, a directory is there already, or one cannot be
            written.
        DirectoryTakenError: if the runs are being trained.
    """
    if not (sweep / SWEEP_JOBS).is_file():
        raise RunDirectoryError(f"'{sweep}' is no sweep: it has no {SWEEP_JOBS}")
    packed = {run: pack for pack in reversed(packs_of(sweep).every()) for run in pack.runs}
    if not packed:
        raise ArgumentError(f"'{sweep}' has no packs; its runs are directories already")
    folder = sweep if into is None else into
    wanted = [_named(job, sweep, packed) for job in jobs] or [
        run for run in sorted(packed) if into is not None or not (sweep / run).exists()
    ]
    for run in wanted:
        refuse_what_is_there(folder / run)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    remove_left(folder)
    by_pack: dict[Path, list[str]] = {}
    for run in dict.fromkeys(wanted):
        by_pack.setdefault(packed[run].path, []).append(run)
    unpackings = [(Unpacking(packed[runs[0]], folder), runs) for runs in by_pack.values()]
    for unpacking, runs in unpackings:
        for run in runs:
            yield unpacking.unpack(run)


def left_in_packs(sweep: Path) -> tuple[int, list[str]]:
    """How many runs of a sweep are in packs alone, and the packs that hold no such run."""
    packs = packs_of(sweep).every()
    idle = [pack.path.name for pack in packs if all((sweep / run).is_dir() for run in pack.runs)]
    runs = {run for pack in packs for run in pack.runs}
    return sum(not (sweep / run).is_dir() for run in runs), idle


def _named(job: str, sweep: Path, packed: dict[str, Pack]) -> str:
    """The folder of a job that somebody named."""
    name = job.rstrip("/").rpartition("/")[2]
    if name in packed:
        return name
    if name.isdecimal():
        for record in read_sweep(sweep).jobs:
            if record.number == int(name) and record.directory in packed:
                return record.directory
    if (sweep / name).is_dir() and name:
        raise RunDirectoryError(f"'{printable(str(sweep / name))}' is a directory already")
    hint = did_you_mean(name, map(printable, packed))
    raise ArgumentError(
        f"'{printable(job)}' is none of the {counted(len(packed), 'run')} in packs of '{sweep}'"
        f"{hint or '; seedbed runs lists them'}"
    )
