"""`seedbed dashboard [DIR…]`: TensorBoard over runs, on this machine alone, until Ctrl-C."""

import os
import shlex
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from seedbed.catalog.table import OUTPUTS, RecordTable
from seedbed.cli.arguments import (
    Parser,
    add_better,
    output_file,
    print_notes,
    refuse_idle_flag,
    refuse_negative,
)
from seedbed.cli.many_runs import add_filter, runs_below
from seedbed.config.hints import counted
from seedbed.errors import ArgumentError
from seedbed.process import fast_start, signals
from seedbed.process.exit_codes import DONE
from seedbed.remote.places import read_place
from seedbed.runs.files import printable

TICKED = {"SCALARS": 40, "TIME SERIES": 500}
"""Tabs of TensorBoard, and how many runs each shows at first; of more it shows none."""


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "dashboard",
        "TensorBoard over the runs below folders, at an address of this machine alone, until "
        "Ctrl-C.",
        "seedbed dashboard outputs --filter 'model=custom' --best 20",
    )
    made.add_argument(
        "folders", metavar="DIR", nargs="*", type=read_place, help=f"default: {OUTPUTS}"
    )
    made.add_argument(
        "--best",
        metavar="N",
        type=int,
        help="only the best N runs; 0 for all; default: the best 40 where there are more",
    )
    made.add_argument("--metric", metavar="NAME", help="that ranks them, such as val/accuracy")
    add_better(made)
    add_filter(made)
    made.add_argument("--port", metavar="N", type=int, help="default: one that is free")
    made.add_argument("--no-browser", action="store_true", help="open no browser")
    made.add_argument(
        "--optuna",
        metavar="FILE.log",
        help="write the runs as a journal of Optuna instead, for optuna-dashboard",
    )
    return made


def main(argv: Sequence[str]) -> int:
    """Serves, or writes; the exit code."""
    args = parser().parse_intermixed_args(argv)
    refuse_negative("--best", args.best, "runs")
    if args.port is not None and not 0 <= args.port <= 65535:
        raise ArgumentError(f"--port: a number from 0 to 65535, got {args.port}")
    folders = args.folders or [OUTPUTS]
    with runs_below(folders) as every:
        table = every.filtered(args.filter) if args.filter is not None else every
        print_notes(table.notes)
        if not len(table):
            raise ArgumentError(_no_runs(every, folders))
        if args.optuna is not None:
            return _written(table, args)
    return _served(table, folders, args)


def _no_runs(every: RecordTable, folders: Sequence[str]) -> str:
    where = ", ".join(f"'{printable(folder)}'" for folder in folders)
    if len(every):
        number = counted(len(every), "run")
        return f"--filter: none of {number} in {where} is such; seedbed runs lists them"
    return f"no runs in {where}; type seedbed train, or name a folder of runs"


def _served(table: RecordTable, folders: Sequence[str], args: Namespace) -> int:
    from seedbed.views.run_links import folder_of, remove_left
    from seedbed.views.tensorboard import best_of, served

    remove_left()
    runs, which = best_of(table, args.best, args.metric, args.better)
    ended = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(signals.heard_by(lambda _: ended.set()))
        all_there = all(run.path.is_dir() for run in runs)
        if len(runs) == len(table) and args.filter is None and len(folders) == 1 and all_there:
            logdir = Path(folders[0])  # where new runs are seen as they begin
        else:
            logdir = stack.enter_context(folder_of(runs))
        address = stack.enter_context(served(logdir, args.port or 0))
        fast_start.imports_done()
        print(f"dashboard: {address}")
        number = counted(len(table), "run")
        chosen = f": {which}; --best 0 shows all" if which else ""
        print(f"{number}{chosen}{unticked(len(runs))}")
        print("Ctrl-C ends it", flush=True)
        if not args.no_browser and _has_display():
            _open(address)
        while not ended.wait(3600):
            pass
    return DONE if signals.exit_code() == 128 + signal.SIGINT else signals.exit_code()


def unticked(runs: int) -> str:
    """What is said of so many runs that TensorBoard ticks none of them at first; else nothing.

    Args:
        runs: how many are shown.
    """
    tabs = [tab for tab, most in TICKED.items() if runs > most]
    return f"; {' and '.join(tabs)} open with none of so many ticked" if tabs else ""


def _has_display() -> bool:
    """Whether a browser has somewhere to open; one of a terminal would take ours away."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(address: str) -> None:
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _written(table: RecordTable, args: Namespace) -> int:
    for flag, given in (("--port", args.port), ("--no-browser", args.no_browser)):
        refuse_idle_flag(flag, given, "is of TensorBoard, and --optuna writes a file")
    from seedbed.views.optuna_journal import write_journal
    from seedbed.views.tensorboard import best_of

    output = output_file(args.optuna, "--optuna")
    ranked = (args.metric, args.better)
    runs = table if args.best is None else RecordTable(best_of(table, args.best, *ranked)[0])
    chosen = write_journal(runs, output, *ranked)
    print(f"journal: {printable(str(output))}")
    print(f"{counted(len(runs), 'run')} by {chosen.name}{f' ({chosen.why})' if chosen.why else ''}")
    print(f"look at it: optuna-dashboard {shlex.quote(printable(str(output)))}")
    return DONE
