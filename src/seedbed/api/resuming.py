"""Goes on with a run where it stopped, to the same bits."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seedbed.api.following import Unsaid, followed_run, is_follower
from seedbed.api.messages import Messages, Trained
from seedbed.api.more_epochs import Raised, raised
from seedbed.api.training import as_run_failure
from seedbed.errors import ArgumentError
from seedbed.process import fast_start
from seedbed.remote.places import shown
from seedbed.runs.beginning import logged
from seedbed.runs.code import changed_code
from seedbed.runs.directory import RunDirectory, reclaim
from seedbed.runs.keepsake import kept
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import Opening, files_of, opening
from seedbed.runs.reader import read_config, read_status, refuse_links
from seedbed.runs.relocation import relocated
from seedbed.runs.status import Status

if TYPE_CHECKING:
    from seedbed.runs.checkpoint import Checkpoint
    from seedbed.training.run_components import RunComponents

log = logging.getLogger("seedbed")


def resume_run(paths: RunPaths, overrides: Sequence[str], messages: Messages) -> Trained | None:
    """Goes on with a run.

    Args:
        paths: of the run, which may be a stranger's.
        overrides: what `more_epochs` takes, and where its data lies now.
        messages: hears how it goes.

    Returns:
        How it ended; None if it was complete already.

    Raises:
        SeedbedError: if the run is damaged or of other data, or what is asked for cannot be.
    """
    with opening(paths.root) as bounds:
        refuse_links(paths)
        resolved = read_config(paths)
        _, others = relocated(resolved, overrides)
        bounds.justified_by(files_of(resolved))
        more = raised(resolved, others)
        status = read_status(paths)["status"]
        follows = is_follower(resolved)
        directory = RunDirectory(paths.root) if follows else reclaim(paths)
        messages = Unsaid(messages) if follows else messages
        try:
            if status == Status.COMPLETED and not more:
                messages.line(f"complete already\nrun: {shown(paths.root)}")
                return None
            if status == Status.DIVERGED:
                raise ArgumentError(
                    f"'{paths.root}' diverged, and would again; start a new run with a smaller "
                    "optimizer.lr"
                )
            was_complete = status == Status.COMPLETED
            plan, snapshot = _opened(directory, resolved, more, bounds, was_complete=was_complete)
            notes = changed_code(directory)
            bounds.end()  # training takes what it takes
            if follows:
                with as_run_failure():
                    return followed_run(plan, messages)
            trained = _go_on(directory, plan, snapshot, notes, messages, was_complete=was_complete)
        finally:
            directory.release()
    messages.run_ended(trained)
    return trained


def _opened(
    directory: RunDirectory,
    resolved: dict[str, Any],
    more: Raised,
    bounds: Opening,
    *,
    was_complete: bool,
) -> "tuple[RunComponents, Checkpoint | None]":
    """The parts, built anew within bounds, and the last checkpoint."""
    # Imported here: torch takes a second, and a wrong argument is answered before it.
    from seedbed.api.rebuilding import rebuilt
    from seedbed.components import AllowList
    from seedbed.config.check import checked
    from seedbed.config.locations import users_allowed
    from seedbed.recording.run import run  # noqa: F401 - while the collector rests
    from seedbed.training.lengthen import refuse_other_path, refuse_stopped_early
    from seedbed.training.resume import load_snapshot, with_ranks, with_threads

    fast_start.imports_done()
    config = with_ranks(with_threads(checked(resolved), directory), directory)
    allow = AllowList(users_allowed())
    if more:
        refuse_other_path(resolved, more.epochs_before, directory, allow)
    snapshot = load_snapshot(directory)
    plan = rebuilt(directory, resolved, config, allow, bounds, goes_on=snapshot is not None)
    if was_complete:
        refuse_stopped_early(snapshot, config, directory)
    return plan, snapshot


def _go_on(
    directory: RunDirectory,
    plan: "RunComponents",
    snapshot: "Checkpoint | None",
    notes: Sequence[str],
    messages: Messages,
    *,
    was_complete: bool,
) -> Trained:
    """Trains on; what a completed run was is kept until that has succeeded."""
    from seedbed.recording.run import run

    def say(text: str) -> None:
        messages.line(text)
        log.info(text)

    where = "no checkpoint yet: beginning anew"
    if snapshot is not None:
        state = snapshot["state"]
        where = f"going on in epoch {state['epoch'] + 1} after step {state['step']}"
    progress = messages.run_progress()
    with logged(directory), kept(directory, say, was_complete=was_complete) as attempt:
        for line in (*(f"note: {note}" for note in notes), where):
            say(line)
        with as_run_failure(directory.log):
            result = run(plan, directory, progress, resumed=snapshot)
        attempt.status = result["status"]
    return Trained(result, RunPaths(directory.root), plan, attempt.was_put_back)
