"""A sweep on the command line: its jobs made from what Hydra composed, and what is said of them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.cli import sweep_ending, sweep_progress
from seedbed.cli.main import DONE
from seedbed.config.build import ALLOW_VARIABLE, AllowList
from seedbed.config.compose import Composed, hydra_files
from seedbed.config.identity import config_hash
from seedbed.config.locations import find_user_conf, users_allowed
from seedbed.config.sweep_jobs import cut, recomposed
from seedbed.errors import ConfigError, NotAllowedError, RunDirectoryError, SeedbedError
from seedbed.runs.files import write_yaml, writing
from seedbed.runs.layout import SWEEP_CONFIG, SWEEP_JOBS
from seedbed.runs.lock import DirectoryLock
from seedbed.sweep.job import Job
from seedbed.sweep.names import job_folders
from seedbed.sweep.outcome import JobRecord, Sweep, read_sweep
from seedbed.sweep.run import left_to_run, run_jobs

if TYPE_CHECKING:
    from seedbed.sweep.disk import Footprint

RESOLVER = re.compile(r"\$\{[^}]*:")
"""An interpolation that computes, such as `${oc.env:HOME}`."""

finished: list[tuple[Sweep, str]] = []
"""The sweeps that this process ran, each with what its jobs are compared by.

Hydra's launcher has no other way to tell the command line."""


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
        DirectoryLock(directory).release()
        raise RunDirectoryError(
            f"'{directory}' holds a sweep already; type another hydra.sweep.dir, or "
            f"seedbed resume {directory}"
        )
    kept = _without_duplicates(composed)
    sizes = refuse_what_cannot_run(kept)
    _refuse_what_cannot_fuse(kept)
    if _checking:
        print(f"valid: {len(kept)} jobs")
        return []
    _refuse_too_large(directory, kept, sizes)
    folders = job_folders([job.overrides for job in kept])
    records = [
        JobRecord(number, one.overrides, folder, config_hash(one.plain))
        for number, (one, folder) in enumerate(zip(kept, folders, strict=True))
    ]
    sweep = Sweep(directory, records, origin)
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with _alone(directory):
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
    with _alone(directory):
        return _resumed(directory, changed=changed, config_dir=config_dir)


def _resumed(directory: Path, *, changed: bool, config_dir: str | None) -> int:
    sweep = read_sweep(directory)
    left = left_to_run(sweep)
    if not left:
        sweep.write_table()
        print(f"complete already\nsweep: {directory}")
        return DONE
    _refuse_strange_words(left)
    name = str(sweep.origin.get("config_name", "config"))
    folder = find_user_conf(config_dir)
    composed = recomposed([record.overrides for record in left], folder, name)
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


def _refuse_what_cannot_fuse(composed: Sequence[Composed]) -> None:
    """For `sweep.fuse=always`.

    Raises:
        ConfigError: naming the jobs, and why.
    """
    settings = composed[0].run.sweep
    if settings.fuse != "always":
        return
    # Imported here: they bring torch.
    from seedbed.sweep.groups import grouped
    from seedbed.sweep.stacks import unfusable

    jobs = [
        Job(number, one.overrides, Path(), one.run, one.plain, {})
        for number, one in enumerate(composed)
    ]
    told = unfusable(*grouped(jobs, "always"), settings.randomness)
    if told:
        raise ConfigError(f"sweep.fuse=always: {told}; type sweep.fuse=auto")


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
        jobs.append(
            Job(
                record.number,
                record.overrides,
                path,
                one.run,
                one.plain,
                hydra,
                record.group is not None,
            )
        )
    return jobs


def _go(sweep: Sweep, jobs: Sequence[Job]) -> None:
    """Runs the jobs, saying how they do."""
    config = jobs[0].config
    finished.append((sweep, config.trainer.monitor))
    run_jobs(sweep, jobs, config.sweep, sweep_progress.reporter(config.trainer.monitor))


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """No other process runs the sweep meanwhile."""
    lock = DirectoryLock(directory)
    try:
        yield
    finally:
        lock.release()


def _refuse_too_large(
    directory: Path, composed: Sequence[Composed], sizes: Mapping[str, "Footprint"]
) -> None:
    from seedbed.sweep.disk import refuse_too_large

    refuse_too_large(directory, [(sizes[_kind(one)], one.run) for one in composed])


def refuse_what_cannot_run(composed: Sequence[Composed]) -> dict[str, "Footprint"]:
    """Prepares one job of each kind: same data, model, loss, optimizer and schedule.

    Returns:
        What the jobs of each kind take on the disk.

    Raises:
        SeedbedError: with the mistakes of every kind, each named by its first job.
    """
    # Imported here: torch takes a second, and a misspelt key is answered before it.
    from seedbed.sweep.disk import footprint
    from seedbed.training.plan import prepare_run

    sizes: dict[str, Footprint] = {}
    kinds: dict[str, tuple[int, Composed]] = {}
    for number, one in enumerate(composed):
        kinds.setdefault(_kind(one), (number, one))
    problems: list[str] = []
    for kind, (number, one) in kinds.items():
        try:
            sizes[kind] = footprint(prepare_run(one.run, AllowList(one.run.allow)))
        except SeedbedError as err:
            words = " ".join(one.overrides)
            problems += [f"job {number} ({words}): {line}" for line in err.problems]
    if problems:
        raise SeedbedError(*cut(problems))
    return sizes


def exit_code() -> int:
    """Of the sweep that just ran; says how it went."""
    return sweep_ending.say_ending(*finished[-1])


def _kind(one: Composed) -> str:
    """What decides whether a job can be built; numbers that the schema has checked are left out."""
    groups = [one.plain[key] for key in KIND]
    known = tuple(map(id, groups))
    if known not in _kinds:
        if len(_kinds) >= MOST_KINDS:
            _kinds.clear()
        _kinds[known] = (groups, _kind_of(one.plain))
    return _kinds[known][1]


def _kind_of(plain: Mapping[str, Any]) -> str:
    groups = {key: plain[key] for key in ("data", "model", "loader", "loss")}
    named = {key: plain[key].get("_target_") for key in ("optimizer", "scheduler")}
    settings = {key: sorted(set(plain[key]) - {"_target_"}) for key in ("optimizer", "scheduler")}
    trainer = [plain["trainer"][key] for key in ("device", "precision", "monitor")]
    flags = {k: v for k, v in plain["optimizer"].items() if isinstance(v, bool | list)}
    return json.dumps([groups, named, settings, trainer, flags], default=str, sort_keys=True)


KIND = ("data", "model", "loader", "loss", "optimizer", "scheduler", "trainer")
MOST_KINDS = 1000

_kinds: dict[tuple[int, ...], tuple[list[Any], str]] = {}
"""The kind of jobs by their groups, which jobs share; kept here, so that no other gets an id."""


def _without_duplicates(composed: Sequence[Composed]) -> list[Composed]:
    """The first job of each resolved config."""
    kept: dict[str, Composed] = {}
    for one in composed:
        kept.setdefault(config_hash(one.plain), one)
    if len(kept) < len(composed):
        left_out = len(composed) - len(kept)
        print(f"note: {left_out} of {len(composed)} jobs repeat another's settings; left out")
    return list(kept.values())
