"""`seedbed resume RUN|SWEEP`: goes on where it stopped, to the same bits."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbed.cli.arguments import Parser, refuse_idle_flag
from seedbed.cli.limits import Opening, files_of, opening
from seedbed.cli.raising import Raised, raised
from seedbed.cli.relocated import relocated
from seedbed.errors import ArgumentError
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE, RUN_FAILED
from seedbed.runs.beginning import logged
from seedbed.runs.code import changed_code
from seedbed.runs.directory import RunDirectory, reclaim
from seedbed.runs.keepsake import kept
from seedbed.runs.layout import SWEEP_JOBS, RunPaths
from seedbed.runs.reader import open_run, read_config, read_status, refuse_links

log = logging.getLogger("seedbed")


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "resume",
        "Goes on where a run stopped, from its last checkpoint, and ends with the bits of a run "
        "that was never stopped. trainer.epochs=N may ask for more epochs than before, and "
        "trainer.early_stopping.patience=null for those after an early stop; data.path=FILE says "
        "where its data lies now, also of a sweep, whose jobs that did not complete are run.",
        "seedbed resume outputs/sum/2026-…",
    )
    made.add_argument("run", metavar="RUN | SWEEP", help="a run directory, or a sweep's")
    made.add_argument("--changed", action="store_true", help="of a sweep: take a changed config")
    made.add_argument("--config-dir", metavar="DIR", help="of a sweep: your own config folder")
    words = "trainer.epochs=N, data.path=FILE"
    made.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help=words)
    return made


def main(words: Sequence[str]) -> int:
    """Goes on; the exit code."""
    args = parser().parse_args(words)
    if (Path(args.run) / SWEEP_JOBS).is_file():
        return _sweep(args)
    paths = open_run(args.run)
    refuse_idle_flag("--changed", args.changed, f"is for a sweep, and '{args.run}' is one run")
    refuse_idle_flag(
        "--config-dir", args.config_dir, f"is for a sweep, and '{args.run}' is one run"
    )
    with opening(args.run) as bounds:
        return _resume(paths, args.overrides, bounds)


def _resume(paths: RunPaths, overrides: Sequence[str], bounds: Opening) -> int:
    """Opens the run, within bounds, and goes on; the exit code."""
    refuse_links(paths)
    plain = read_config(paths)
    _, words = relocated(plain, overrides)
    bounds.justified_by(files_of(plain))
    more = raised(plain, words)
    status = read_status(paths)["status"]
    directory = reclaim(paths)
    if status == "completed" and not more:
        directory.release()
        print(f"complete already\nrun: {paths.root}")
        return DONE
    if status == "diverged":
        raise ArgumentError(
            f"'{paths.root}' diverged, and would again; start a new run with a smaller optimizer.lr"
        )
    try:
        return _go_on(directory, plain, more, bounds, was_complete=status == "completed")
    finally:
        directory.release()


def _go_on(
    directory: RunDirectory,
    plain: dict[str, Any],
    more: Raised,
    bounds: Opening,
    *,
    was_complete: bool,
) -> int:
    """Trains on; what a completed run was is kept until that has succeeded."""
    # Imported here: torch takes a second, and a wrong argument is answered before it.
    from seedbed.cli import progress
    from seedbed.cli.ending import say_ending
    from seedbed.cli.failing import failures_told
    from seedbed.components import AllowList
    from seedbed.config.check import checked
    from seedbed.config.locations import users_allowed
    from seedbed.training.bounds import bounded, is_trusted
    from seedbed.training.data_folder import refuse_absent_data
    from seedbed.training.lengthen import refuse_other_path, refuse_stopped_early
    from seedbed.training.plan import prepare_run
    from seedbed.training.resume import load_snapshot, refuse_changed_data, with_threads
    from seedbed.training.run import run
    from seedbed.views.trained import refuse_oversized

    fast_start.imports_done()
    config, allow = with_threads(checked(plain), directory), AllowList(users_allowed())
    if more:
        refuse_other_path(plain, more.epochs_before, directory, allow)
    refuse_absent_data(config.data, directory)
    with bounded(refuse_oversized(directory, plain, allow)):
        if is_trusted(config):
            bounds.end()
        plan = prepare_run(config, allow)
    refuse_changed_data(plan, directory)
    notes = changed_code(directory)
    snapshot = load_snapshot(directory)
    bounds.end()  # training takes what it takes
    if was_complete:
        refuse_stopped_early(snapshot, config, directory)
    said = "no checkpoint yet: beginning anew"
    if snapshot is not None:
        state = snapshot["state"]
        said = f"going on in epoch {state['epoch'] + 1} after step {state['step']}"
    with logged(directory), kept(directory, _say, was_complete=was_complete) as attempt:
        for line in (*(f"note: {note}" for note in notes), said):
            _say(line)
        with failures_told(directory.log):
            result = run(plan, plain, directory, progress.reporter(), resumed=snapshot)
        attempt.status = result["status"]
    if attempt.was_put_back:
        print(f"error: {result['status']}: {result['error']}", file=sys.stderr)
        print(f"run: {directory.root}")
        return RUN_FAILED
    return say_ending(result, directory, plan)


def _say(text: str) -> None:
    """To the terminal and `run.log`."""
    print(text)
    log.info(text)


def _sweep(args: argparse.Namespace) -> int:
    from seedbed.cli.sweep import alone, resume_sweep
    from seedbed.components import only_readers_own
    from seedbed.config.locations import users_allowed

    directory = Path(args.run)
    with opening(directory) as bounds, only_readers_own(users_allowed()):
        for folder in (directory, *(path for path in directory.iterdir() if path.is_dir())):
            refuse_links(RunPaths(folder))
        with alone(directory):
            # overrides in the sweep's own files may allow more than the reader does
            return resume_sweep(
                directory, args.overrides, bounds, changed=args.changed, config_dir=args.config_dir
            )
