"""`seedbed resume RUN|SWEEP`: goes on where it stopped, to the same bits."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from seedbed.cli.arguments import Parser, refuse_idle_flag
from seedbed.cli.console import Console
from seedbed.remote.mirrored import going_on
from seedbed.runs.layout import SWEEP_JOBS
from seedbed.runs.reader import open_run


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "resume",
        "Goes on where a run stopped, from its last checkpoint, and ends with the bits of a run "
        "that was never stopped. trainer.epochs=N may ask for more epochs than before, and "
        "trainer.early_stopping.patience=null for those after an early stop; loader.num_workers=N "
        "reads its rows by so many processes; data.path=FILE says where its data lies now, also of "
        "a sweep, whose jobs that did not complete are run.",
        "seedbed resume outputs/sum/2026-…",
    )
    made.add_argument("run", metavar="RUN | SWEEP", help="a run directory, or a sweep's")
    made.add_argument("--changed", action="store_true", help="of a sweep: take a changed config")
    made.add_argument("--config-dir", metavar="DIR", help="of a sweep: your own config folder")
    words = "trainer.epochs=N, data.path=FILE"
    made.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help=words)
    return made


def main(argv: Sequence[str]) -> int:
    """Goes on; the exit code."""
    args = parser().parse_args(argv)
    console = Console()
    with going_on(args.run) as folder:
        _resume(args, folder, console)
    return console.code


def _resume(args: argparse.Namespace, folder: Path, console: Console) -> None:
    """Goes on with what lies in a folder here."""
    if (folder / SWEEP_JOBS).is_file():
        from seedbed.api.sweep_resuming import resume_sweep

        config_dir, changed = args.config_dir, args.changed
        resume_sweep(folder, args.overrides, console, changed=changed, config_dir=config_dir)
        return
    paths = open_run(folder)
    for flag, given in (("--changed", args.changed), ("--config-dir", args.config_dir)):
        refuse_idle_flag(flag, given, f"is for a sweep, and '{args.run}' is one run")
    from seedbed.api.resuming import resume_run

    resume_run(paths, args.overrides, console)
