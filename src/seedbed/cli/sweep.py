"""A sweep on the command line: its jobs made from what Hydra composed, and what is said of them."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from seedbed.cli.main import DONE, INTERRUPTED, RUN_FAILED
from seedbed.config.build import ALLOW_VARIABLE, AllowList
from seedbed.config.compose import Composed, hydra_files
from seedbed.config.compose import composed as composed_run
from seedbed.config.identity import config_hash
from seedbed.config.locations import find_user_conf, users_allowed
from seedbed.config.sweep_jobs import cut
from seedbed.errors import NotAllowedError, RunDirectoryError, SeedbedError
from seedbed.runs.files import write_yaml, writing
from seedbed.runs.layout import SWEEP_CONFIG, SWEEP_JOBS
from seedbed.runs.lock import DirectoryLock
from seedbed.sweep.job import Job
from seedbed.sweep.names import job_folders
from seedbed.sweep.outcome import JobRecord, Sweep, read_sweep
from seedbed.sweep.run import left_to_run, run_jobs

RESOLVER = re.compile(r"\$\{[^}]*:")
"""An interpolation that computes, such as `${oc.env:HOME}`."""

finished: list[Sweep] = []
"""The sweeps that this process ran; Hydra's launcher has no other way to tell the command line."""


_checking: list[bool] = []
"""Whether sweeps are only checked; not empty inside `checking_only`."""


@contextmanager
def checking_only() -> Iterator[None]:
    """Sweeps inside are composed and checked, and neither run nor written."""
    _checking.append(True)
    try:
        yield
    finally:
        _checking.pop()


def run_sweep(
    directory: Path, composed: Sequence[Composed], multirun: Any, origin: dict[str, Any]
) -> list[JobRecord]:
    """Runs a new sweep.

    Args:
        directory: of the sweep.
        composed: its jobs, checked.
        multirun: content of `multirun.yaml`.
        origin: what `resume` needs to compose the jobs again.

    Raises:
        SeedbedError: if a job cannot be prepared; nothing has been written then.
    """
    if (directory / SWEEP_JOBS).exists():
        raise RunDirectoryError(
            f"'{directory}' holds a sweep already; type another hydra.sweep.dir, or "
            f"seedbed resume {directory}"
        )
    kept = _without_duplicates(composed)
    refuse_what_cannot_run(kept)
    if _checking:
        print(f"valid: {len(kept)} jobs")
        return []
    folders = job_folders([job.overrides for job in kept])
    records = [
        JobRecord(number, one.overrides, folder, config_hash(one.plain))
        for number, (one, folder) in enumerate(zip(kept, folders, strict=True))
    ]
    sweep = Sweep(directory, records, origin)
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    write_yaml(directory / SWEEP_CONFIG, multirun)
    _go(sweep, jobs_of(sweep, records, kept))
    return records


def resume_sweep(directory: Path, *, changed: bool, config_dir: str | None) -> int:
    """Runs the jobs of an earlier sweep that did not complete; the exit code.

    Args:
        directory: of the sweep.
        changed: whether a config that changed since is taken as it is now.
        config_dir: the user's own folder, or None to look for one; never the sweep's word.

    Raises:
        SeedbedError: if the sweep is damaged or being run, or its config changed.
    """
    sweep = read_sweep(directory)
    left = left_to_run(sweep)
    if not left:
        sweep.write_table()
        print(f"complete already\nsweep: {directory}")
        return DONE
    _refuse_strange_words(left)
    name = str(sweep.origin.get("config_name", "config"))
    folder = find_user_conf(config_dir)
    composed = [composed_run(record.overrides, folder, name) for record in left]
    _refuse_what_is_not_allowed(composed, directory)
    for record, one in zip(left, composed, strict=True):
        if config_hash(one.plain) != record.identity and not changed:
            raise SeedbedError(
                f"the config of '{record.directory}' is not what it was when the sweep began; "
                f"put it back, or type seedbed resume {directory} --changed"
            )
        record.identity = config_hash(one.plain)
    refuse_what_cannot_run(composed)
    print(f"{len(sweep.jobs) - len(left)} of {len(sweep.jobs)} jobs are complete")
    _go(sweep, jobs_of(sweep, left, composed))
    return exit_code()


def _refuse_strange_words(records: Sequence[JobRecord]) -> None:
    """The overrides are a stranger's: they set keys, and read nothing of this machine."""
    for record in records:
        for word in record.overrides:
            if not isinstance(word, str) or word.startswith("hydra") or RESOLVER.search(word):
                raise RunDirectoryError(
                    f"'{record.directory}' has the override {word!r}, which is "
                    "not taken from a sweep's own files"
                )


def _refuse_what_is_not_allowed(composed: Sequence[Composed], directory: Path) -> None:
    own = AllowList(users_allowed()).packages
    for one in composed:
        more = sorted(set(one.run.allow) - set(own))
        if more:
            raise NotAllowedError(
                f"the sweep names classes of {', '.join(more)}, which is not allowed; if that is "
                f"your own code, type {ALLOW_VARIABLE}={','.join(more)} seedbed resume {directory}"
            )


def jobs_of(sweep: Sweep, records: Sequence[JobRecord], composed: Sequence[Composed]) -> list[Job]:
    """Jobs as the rooms below take them."""
    jobs = []
    for record, one in zip(records, composed, strict=True):
        path = sweep.directory / record.directory
        hydra = hydra_files(replace(one, number=record.number), path)
        jobs.append(Job(record.number, record.overrides, path, one.run, one.plain, hydra))
    return jobs


def _go(sweep: Sweep, jobs: Sequence[Job]) -> None:
    """Runs the jobs, saying a line for each."""
    finished.append(sweep)
    settings = jobs[0].config.sweep
    lock = DirectoryLock(sweep.directory)
    try:
        run_jobs(
            sweep,
            jobs,
            workers=settings.workers,
            stop_on_error=settings.on_error == "stop",
            said=lambda record: print(_line(record, len(sweep.jobs)), flush=True),
        )
    finally:
        lock.release()


def refuse_what_cannot_run(composed: Sequence[Composed]) -> None:
    """Prepares one job of each kind: same data, model, loss, optimizer and schedule.

    Raises:
        SeedbedError: with the mistakes of every kind, each named by its first job.
    """
    # Imported here: torch takes a second, and a misspelt key is answered before it.
    from seedbed.training.plan import prepare_run

    kinds: dict[str, tuple[int, Composed]] = {}
    for number, one in enumerate(composed):
        kinds.setdefault(_kind(one), (number, one))
    problems: list[str] = []
    for number, one in kinds.values():
        try:
            prepare_run(one.run, AllowList(one.run.allow))
        except SeedbedError as err:
            words = " ".join(one.overrides)
            problems += [f"job {number} ({words}): {line}" for line in err.problems]
    if problems:
        raise SeedbedError(*cut(problems))


def exit_code() -> int:
    """Of the sweep that just ran; says which jobs did not complete."""
    sweep = finished[-1]
    if sweep.unsuccessful:
        print(f"{len(sweep.unsuccessful)} of {len(sweep.jobs)} jobs did not complete:")
        for job in sweep.unsuccessful:
            print(f"  {job.directory}: {job.status} {job.error or ''}".rstrip())
        print(f"to run these again: seedbed resume {sweep.directory}")
    print(f"sweep: {sweep.directory}")
    if any(job.status == "interrupted" for job in sweep.jobs):
        return INTERRUPTED
    return RUN_FAILED if sweep.unsuccessful else DONE


def _kind(one: Composed) -> str:
    """What decides whether a job can be built; numbers that the schema has checked are left out."""
    plain = one.plain
    groups = {key: plain[key] for key in ("data", "model", "loader", "loss")}
    named = {key: plain[key].get("_target_") for key in ("optimizer", "scheduler")}
    settings = {key: sorted(set(plain[key]) - {"_target_"}) for key in ("optimizer", "scheduler")}
    trainer = [plain["trainer"][key] for key in ("device", "precision", "monitor")]
    flags = {k: v for k, v in plain["optimizer"].items() if isinstance(v, bool | list)}
    return json.dumps([groups, named, settings, trainer, flags], default=str, sort_keys=True)


def _without_duplicates(composed: Sequence[Composed]) -> list[Composed]:
    """The first job of each resolved config."""
    kept: dict[str, Composed] = {}
    for one in composed:
        kept.setdefault(config_hash(one.plain), one)
    if len(kept) < len(composed):
        left_out = len(composed) - len(kept)
        print(f"note: {left_out} of {len(composed)} jobs repeat another's settings; left out")
    return list(kept.values())


def _line(record: JobRecord, jobs: int) -> str:
    metrics = "  ".join(
        f"{name} {value:.5g}" for name, value in (record.metrics or {}).items() if value is not None
    )
    said = f"{record.number + 1}/{jobs} {record.directory}: {record.status} {metrics}".rstrip()
    return said if record.status == "completed" else f"{said} {record.error or ''}".rstrip()
