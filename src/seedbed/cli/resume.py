"""`seedbed resume RUN|SWEEP`: goes on where it stopped, to the same bits."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from seedbed.cli import collector
from seedbed.cli.arguments import Parser
from seedbed.cli.main import DONE
from seedbed.errors import ArgumentError
from seedbed.runs.beginning import logged
from seedbed.runs.directory import reclaim
from seedbed.runs.layout import SWEEP_JOBS, RunPaths
from seedbed.runs.reader import open_run, read_config, read_status, refuse_links

log = logging.getLogger("seedbed")


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "resume",
        "Goes on where a run stopped, from its last checkpoint, and ends with the bits of a run "
        "that was never stopped. trainer.epochs=N may ask for more epochs than before. Of a sweep, "
        "the jobs that did not complete are run.",
        "seedbed resume outputs/sum/2026-…",
    )
    made.add_argument("run", metavar="RUN | SWEEP", help="a run directory, or a sweep's")
    made.add_argument("--changed", action="store_true", help="of a sweep: take a changed config")
    made.add_argument("--config-dir", metavar="DIR", help="of a sweep: your own config folder")
    made.add_argument("overrides", metavar="trainer.epochs=N", nargs="*", help="more epochs")
    return made


def main(words: Sequence[str]) -> int:
    """Goes on; the exit code."""
    args = parser().parse_args(words)
    if (Path(args.run) / SWEEP_JOBS).is_file():
        return _sweep(args)
    paths = open_run(args.run)
    refuse_links(paths)
    plain = read_config(paths)
    raised = _raise_epochs(plain, args.overrides)
    status = read_status(paths)["status"]
    directory = reclaim(paths)
    if status == "completed" and not raised:
        directory.release()
        print(f"complete already\nrun: {paths.root}")
        return DONE
    if status == "diverged":
        raise ArgumentError(
            f"'{paths.root}' diverged, and would again; start a new run with a smaller optimizer.lr"
        )
    # Imported here: torch takes a second, and a wrong argument is answered before it.
    from seedbed.cli import progress
    from seedbed.cli.ending import say_ending
    from seedbed.cli.failing import failures_told
    from seedbed.config.build import AllowList
    from seedbed.config.check import checked
    from seedbed.config.locations import users_allowed
    from seedbed.training.bounds import bounded
    from seedbed.training.plan import prepare_run
    from seedbed.training.resume import load_snapshot, refuse_changed_data, with_threads
    from seedbed.training.run import run
    from seedbed.views.trained import refuse_oversized

    collector.wake()
    config, allow = with_threads(checked(plain), paths), AllowList(users_allowed())
    with bounded(refuse_oversized(paths, plain, allow)):
        plan = prepare_run(config, allow)
    refuse_changed_data(plan, paths)
    snapshot = load_snapshot(paths)
    said = "no checkpoint yet: beginning anew"
    if snapshot is not None:
        state = snapshot["state"]
        said = f"going on in epoch {state['epoch'] + 1} after step {state['step']}"
    print(said)
    with logged(directory):
        log.info(said)
        with failures_told(directory.log):
            result = run(plan, plain, directory, progress.reporter(), resumed=snapshot)
    return say_ending(result, directory, plan)


def _sweep(args: argparse.Namespace) -> int:
    from seedbed.cli.sweep import resume_sweep
    from seedbed.config.build import only_readers_own
    from seedbed.config.locations import users_allowed

    if args.overrides:
        raise ArgumentError(f"resuming a sweep takes no overrides, got '{args.overrides[0]}'")
    directory = Path(args.run)
    for folder in (directory, *(path for path in directory.iterdir() if path.is_dir())):
        refuse_links(RunPaths(folder))
    with only_readers_own(users_allowed()):  # overrides in the sweep's own files may say more
        return resume_sweep(directory, changed=args.changed, config_dir=args.config_dir)


def _raise_epochs(plain: dict[str, object], overrides: Sequence[str]) -> bool:
    """Puts a larger number of epochs into the config; whether one was asked for."""
    trainer = plain.get("trainer")
    for word in overrides:
        key, _, value = word.partition("=")
        if key != "trainer.epochs" or not value.isdigit() or not isinstance(trainer, dict):
            raise ArgumentError(f"resume takes trainer.epochs=N alone, got '{word}'")
        before = trainer.get("epochs")
        if not isinstance(before, int) or int(value) < before:
            raise ArgumentError(f"trainer.epochs can be raised, from {before}, got {value}")
        trainer["epochs"] = int(value)
        return int(value) > before
    return False
