"""One job of a sweep: a whole run, in which whatever goes wrong stays. It is data alone."""

import contextlib
import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.errors import RunDirectoryError, SeedbedError
from seedbed.handed_in import handing_in
from seedbed.process.freeing import freed
from seedbed.raised import reason
from seedbed.runs.beginning import logged, write_hydra_files
from seedbed.runs.directory import RunDirectory, claim, reclaim
from seedbed.runs.layout import RunPaths
from seedbed.runs.lock import once_free
from seedbed.runs.moment import Moment
from seedbed.runs.reader import read_config, read_json, read_status
from seedbed.runs.relocation import Relocation
from seedbed.runs.status import Status
from seedbed.runs.unpacking import unpack_in_place

if TYPE_CHECKING:
    from seedbed.runs.checkpoint import Checkpoint
    from seedbed.training.run_components import RunComponents
    from seedbed.training.starting_point import StartingPoint

log = logging.getLogger("seedbed")

LAST_STEP_SECONDS = 20.0
"""How long a worker of a killed sweep may take to end, which it does after its step."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a job is to do.

    Args:
        number: in its sweep, from 0.
        overrides: what sets it apart.
        path: its run directory.
        config: checked.
        hydra: contents of `.hydra/`, by file name.
        stack: number of the stack that it began in, or was to; a run on its own has other bits.
        relocation: where its data lies now, if it was moved since it began.
        handed_in: rows and models that its config names by their fingerprints.
    """

    number: int
    overrides: list[str]
    path: Path
    config: RunConfig
    hydra: Mapping[str, Any]
    stack: int | None = None
    relocation: Relocation | None = None
    handed_in: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """How a job ended.

    Args:
        status: as in `status.json`.
        error: of one that did not complete.
        metrics: of `result.json`.
        higher_is_better: likewise, of metrics that are not Seedbed's.
        notes: what a person should know.
    """

    status: str
    error: str | None = None
    metrics: dict[str, float] | None = None
    notes: list[str] = field(default_factory=list)
    higher_is_better: dict[str, bool | None] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Mapping[str, Any], notes: Sequence[str] = ()) -> "Outcome":
        """Of a job whose `result.json` holds this."""
        told = result.get("higher_is_better")
        return cls(
            str(result["status"]),
            result.get("error"),
            result["metrics"],
            list(notes),
            told if isinstance(told, dict) else {},
        )


def earlier_outcome(path: Path) -> Outcome | None:
    """How the job's run stands on the disk, or None if it never began."""
    paths = RunPaths(path)
    try:
        status = read_status(paths)
        completed = status["status"] == Status.COMPLETED
        result = read_json(paths.result) if completed else {"metrics": None}
        return Outcome.of({**result, "status": status["status"], "error": status.get("error")})
    except (RunDirectoryError, KeyError):
        return None


def run_job(job: Job) -> Outcome:
    """Runs a job, from its last checkpoint if it was cut off; never raises what the job raises."""
    with freed():
        return _ran(job)


def _ran(job: Job) -> Outcome:
    # Imported here: torch takes a second, and a sweep with a mistake in it is answered before.
    from seedbed.recording.run import run
    from seedbed.training.reporter import Notes

    earlier = earlier_outcome(job.path)
    directory = job_directory(job)
    with logged(directory), handing_in(job.handed_in):
        try:
            write_hydra_files(job.hydra, directory)
            heard = Notes()
            snapshot, note = checkpoint_of(job, earlier)
            plan = _built(job, goes_on=snapshot is not None)
            if snapshot is not None and (why := _of_other_data(plan, directory)):
                plan = _built(job, goes_on=False)
                snapshot, note = None, f"'{job.path.name}' begins anew: {why}"
            if note:
                heard.note(note)
                log.warning(note)
            if snapshot is None:
                forget_checkpoints(directory)
            result = run(
                plan,
                directory,
                heard,
                draw=job.config.sweep.plot,
                resumed=snapshot,
            )
            return Outcome.of(result, heard.notes)
        except KeyboardInterrupt:
            raise
        except BaseException as err:  # sys.exit in a user's model ends the job, not the sweep
            outcome = Outcome(Status.FAILED, reason(err))
            log.error(traceback.format_exc())
            with contextlib.suppress(RunDirectoryError):  # the disk may be what failed
                directory.write_status(Status.FAILED, outcome.error)
            return outcome
        finally:
            directory.release()


def _built(job: Job, *, goes_on: bool) -> "RunComponents":
    """The parts of a job's run; one that goes on has its weights in its checkpoint."""
    from seedbed.training.build_run import build_run

    own = own_start(job) if goes_on else None
    starts = {job.config.identity: own} if own is not None else {}
    return build_run(job.config, AllowList(job.config.allow), starts=starts)


def own_start(job: Job) -> "StartingPoint | None":
    """What a job goes on with that has a checkpoint; None if it started from nothing."""
    if job.config.init.source is None:
        return None
    from seedbed.training.starting_point import continued

    return continued(job.config.init, RunPaths(job.path))


def checkpoint_of(job: Job, earlier: Outcome | None) -> tuple["Checkpoint | None", str]:
    """The checkpoint that a job goes on from; None if it begins anew, and what is to be said of it.

    It begins anew where there is no checkpoint yet, where it cannot be used, and where the config
    has changed and would not have brought it there.

    Args:
        job: that is to be run.
        earlier: how it stood on the disk before; only one that was interrupted goes on.
    """
    from seedbed.training.lengthen import goes_on_alike
    from seedbed.training.resume import load_snapshot

    if earlier is None or earlier.status != Status.INTERRUPTED:
        return None, ""
    paths, allow = RunPaths(job.path), AllowList(job.config.allow)
    why = "its config has changed"
    try:
        snapshot = load_snapshot(paths)
        if snapshot is None or goes_on_alike(_begun_with(job), job.config.to_dict(), allow):
            return snapshot, ""
    except SeedbedError as err:
        why = str(err)
    return None, f"'{job.path.name}' begins anew: {why}"


def _begun_with(job: Job) -> dict[str, Any]:
    """The config that the job began with, but for where its data lies."""
    resolved = read_config(RunPaths(job.path))
    if job.relocation is not None:
        job.relocation(resolved)
    return resolved


def _of_other_data(plan: "RunComponents", paths: RunPaths) -> str:
    """Why a checkpoint is of other data than the job has now; or nothing."""
    from seedbed.training.resume import refuse_changed_data

    try:
        refuse_changed_data(plan.data, paths)
    except SeedbedError as err:
        return str(err)
    return ""


def forget_checkpoints(directory: RunDirectory) -> None:
    """Removes those of an earlier start, so that nothing goes on from them."""
    for checkpoint in (directory.last, directory.best):
        checkpoint.unlink(missing_ok=True)


def job_directory(job: Job, at: Moment | None = None) -> RunDirectory:
    """The job's own: new, or taken up, whatever was lost of it since.

    Args:
        job: that is to run.
        at: when it begins, with others; None for a moment of its own.
    """
    unpack_in_place(job.path)
    if not job.path.exists():
        return claim(job.path, at)
    return once_free(lambda: reclaim(RunPaths(job.path)), LAST_STEP_SECONDS)
