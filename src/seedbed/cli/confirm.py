"""`seedbed confirm SWEEP`: the best settings again with fresh seeds, judged by these alone."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.cli.arguments import Parser, add_better, add_forms, print_notes
from seedbed.cli.console import Console
from seedbed.cli.train import SWEEP_MODULES
from seedbed.components import only_readers_own
from seedbed.config.locations import users_allowed
from seedbed.errors import ArgumentError
from seedbed.process.ahead import composed_ahead
from seedbed.remote.places import read_place
from seedbed.runs.files import json_text
from seedbed.runs.opening import opening

if TYPE_CHECKING:
    from seedbed.analysis.runs_compared import RunsCompared
    from seedbed.api.confirming import Plan


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "confirm",
        "Trains the best settings of a sweep again, with seeds that it has not used, and compares "
        "them by these alone: a best value is optimistic where it was chosen.",
        "seedbed confirm outputs/digits/sweep_2026-… --top 3 --test",
    )
    made.add_argument("sweep", metavar="SWEEP", type=read_place, help="a sweep directory")
    made.add_argument("--top", metavar="N", type=int, default=5, help="settings; default: 5")
    made.add_argument("--seeds", metavar="N", type=int, default=20, help="for each; default: 20")
    made.add_argument("--metric", metavar="NAME", help="chosen by; default: as `seedbed compare`")
    add_better(made)
    made.add_argument(
        "--test", action="store_true", help="measure the best of them on the test rows, once"
    )
    add_forms(made)
    made.add_argument("--config-dir", metavar="DIR", help="your own config folder")
    words = "sweep.KEY=VALUE, hydra.sweep.dir=DIR"
    made.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help=words)
    return made


def main(argv: Sequence[str]) -> int:
    """Trains and compares; the exit code."""
    args = parser().parse_intermixed_args(argv)
    directory = Path(args.sweep)
    # Imported here: NumPy is not waited for where an argument is wrong.
    from seedbed.analysis.runs_compared import Request
    from seedbed.api.confirming import composed_confirmation, confirm_sweep, planned

    with opening(directory):
        plan = planned(
            directory,
            args.top,
            args.seeds,
            Request(args.metric, better=args.better),
            test=args.test,
        )
    console = Console(waits=True)
    with only_readers_own(users_allowed()):  # the sweep may be a stranger's
        request = composed_ahead(
            lambda: composed_confirmation(plan, args.overrides, args.config_dir), SWEEP_MODULES
        )
        from seedbed.cli.confirm_text import confirmation_text, notes_on
        from seedbed.cli.sweep_report import print_end

        print_notes([*notes_on(plan, args.top)])
        with _beside_the_output(args):
            confirm_sweep(plan, request, console)
    try:
        after = plan.after(console.ended_sweep.directory)
    except ArgumentError as err:
        print_notes([f"nothing came of it that can be compared: {err}"])
        with _beside_the_output(args):
            return print_end(console.ended_sweep)
    if not _has_form(args):
        print(confirmation_text(plan, after))
        return print_end(console.ended_sweep)
    with _beside_the_output(args):
        code = print_end(console.ended_sweep)
    _print_form(plan, after, console.ended_sweep.directory, args)
    return code


def _has_form(args: argparse.Namespace) -> bool:
    return bool(args.json or args.csv or args.md)


def _beside_the_output(args: argparse.Namespace) -> AbstractContextManager[object]:
    """What is said inside goes to standard error, where the output is for a machine."""
    return redirect_stdout(sys.stderr) if _has_form(args) else nullcontext()


def _print_form(
    plan: "Plan", after: "RunsCompared", directory: Path, args: argparse.Namespace
) -> None:
    from seedbed.api.confirmed import confirmation_json, confirmation_rows
    from seedbed.cli.many_runs import print_rows

    if args.json:
        print(json_text(confirmation_json(plan, after, directory)))
    else:
        print_rows(confirmation_rows(plan, after), markdown=args.md)
