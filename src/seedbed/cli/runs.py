"""`seedbed runs [DIR…]`: a table of all runs below folders."""

import argparse
import shutil
import sys
from collections.abc import Sequence

from seedbed.catalog.sorting import known_names
from seedbed.catalog.table import OUTPUTS, RecordTable
from seedbed.cli.arguments import Parser, add_forms, print_notes, refuse_negative
from seedbed.cli.many_runs import runs_below
from seedbed.config.hints import counted, joined
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.remote.places import listed_place
from seedbed.runs.files import json_text, printable
from seedbed.runs.status import Status
from seedbed.views.run_rows import csv_text, left_out_rows, machine_columns, markdown_text, rows_of
from seedbed.views.run_text import place_of, text_columns
from seedbed.views.text_table import fitting, lines

MOST_ON_A_TERMINAL = 50
"""Runs, unless `--limit` says otherwise."""

MOST_TITLES = 8
"""Columns that are left out, by name."""

MOST_NAMED = 3
"""Folders that are no runs, by name; of more, their number is told."""


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "runs",
        "A table of every run below the folders, newest first: what differs, how they ended, "
        "their metrics.",
        "seedbed runs outputs --filter 'optimizer.lr<0.01 and status=completed' --sort val/loss",
    )
    made.add_argument(
        "folders", metavar="DIR", nargs="*", type=listed_place, help=f"default: {OUTPUTS}"
    )
    made.add_argument(
        "--filter",
        metavar="TEXT",
        help="which runs: KEY=, !=, <, <=, >, >=, ~ (contains) VALUE, in [..]; and, or, not, ( )",
    )
    made.add_argument("--sort", metavar="KEY", help="by a column; -KEY: the largest first")
    made.add_argument("--columns", metavar="KEY,…", help="these columns and no others")
    made.add_argument("--limit", metavar="N", type=int, help="the first N runs; 0 for all")
    add_forms(made)
    return made


def main(argv: Sequence[str]) -> int:
    """Looks and prints; the exit code."""
    args = parser().parse_intermixed_args(_joined(argv))
    refuse_negative("--limit", args.limit, "runs")
    folders = args.folders or [OUTPUTS]
    with runs_below(folders) as every:
        fast_start.imports_done()
        table = every.filtered(args.filter) if args.filter is not None else every
        if args.sort is not None:
            # Imported here: what it asks is asked of metrics alone.
            from seedbed.analysis.order import in_order

            table = in_order(table, args.sort)
        columns = known_names(every.records, args.columns, "--columns") if args.columns else []
        if args.json or args.csv or args.md:
            _print_form(table[: args.limit or None], columns, args)
        else:
            _print_table(table, columns, args, every)
    return DONE


def _joined(argv: Sequence[str]) -> list[str]:
    """`--sort -val/loss` as `--sort=-val/loss`: a minus would begin another flag."""
    words = list(argv)
    for at, word in enumerate(words[:-1]):
        if word == "--sort" and words[at + 1].startswith("-") and words[at + 1][:2] != "--":
            words[at : at + 2] = [f"--sort={words[at + 1]}"]
            break
    return words


def _print_form(table: RecordTable, columns: Sequence[str], args: argparse.Namespace) -> None:
    if args.md:
        columns = columns or table.columns
        print(markdown_text(text_columns(table, columns, "")), end="")
    else:
        columns = columns or machine_columns(table)
        rows = rows_of(table, columns)
        if args.json:
            print(json_text({"runs": rows, "left_out": left_out_rows(table)}))
            print_notes(table.notes)
            return
        print(csv_text(rows, columns), end="")
    print_notes([*table.notes, *_left_out(table)])


def _print_table(
    table: RecordTable, columns: Sequence[str], args: argparse.Namespace, every: RecordTable
) -> None:
    on_terminal = sys.stdout.isatty()
    place, whole = place_of(table), len(table)
    most = MOST_ON_A_TERMINAL if on_terminal and args.limit is None else args.limit
    columns = columns or table.columns
    table = table[: most or None]
    print(_title(whole, every, place, args))
    left_out: list[str] = []
    if len(table):
        cells = text_columns(table, columns, place)
        if on_terminal and columns[0] == "name":
            cells, left_out = fitting(cells, shutil.get_terminal_size().columns)
        print("\n".join(lines(cells)))
    if left_out:
        print(
            f"no room for {joined(left_out, MOST_TITLES)}; --columns KEY,… chooses, --csv has all"
        )
    if len(table) < whole:
        print(f"and {whole - len(table)} more; --limit 0 shows all")
    print_notes([*table.notes, *_left_out(table)])


def _title(whole: int, every: RecordTable, place: str, args: argparse.Namespace) -> str:
    """How many there are, and where."""
    runs = counted(len(every), "run")
    number = runs if args.filter is None else f"{whole} of {runs}"
    where = f" in {printable(place)}" if place and whole else ""
    order = f"by {printable(args.sort)}" if args.sort is not None else "newest first"
    return f"{number}{where}, {order}:" if whole else number


def _left_out(table: RecordTable) -> list[str]:
    """Lines on runs that have not begun, and on folders that are no readable runs."""
    folders = [run for run in table.left_out if run.status != Status.PENDING]
    waiting = len(table.left_out) - len(folders)
    notes = [f"{waiting} run{' has' if waiting == 1 else 's have'} not begun"] if waiting else []
    if folders:
        named = [f"'{printable(run.name)}' ({run.status}: {run.problem})" for run in folders]
        what = "folder is no run" if len(folders) == 1 else "folders are no runs"
        which = joined(named, MOST_NAMED)
        notes.append(f"{len(folders)} {what} that can be read: {which}; --json lists all")
    return notes
