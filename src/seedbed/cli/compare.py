"""`seedbed compare RUN|SWEEP…`: what differs, which setting is best, and whether that is shown."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seedbed.catalog.table import RecordTable, table_of
from seedbed.cli.arguments import Parser, print_notes
from seedbed.errors import ArgumentError
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text
from seedbed.runs.opening import opening

if TYPE_CHECKING:
    from seedbed.api.run_comparison import RunComparison

NONE = "none"

ROWS = 20
"""Of the table on the terminal, unless told otherwise."""


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "compare",
        "What differs between runs, beside their metrics, the best first. Where seeds were swept: "
        "each setting over its seeds, whether the best is better than the next, what mattered.",
        "seedbed compare outputs/digits/sweep_2026-… --metric val/accuracy",
    )
    made.add_argument(
        "paths", metavar="RUN | SWEEP", nargs="+", help="a run, a sweep, or a folder of some"
    )
    made.add_argument("--metric", metavar="NAME", help="default: of the validation rows")
    made.add_argument(
        "--over", metavar="KEY,…", help="keys that repeat a setting; default: seed; none: no key"
    )
    made.add_argument(
        "--better", choices=("higher", "lower"), help="of a metric of your own: which is better"
    )
    made.add_argument("--filter", metavar="TEXT", help="which runs, as `seedbed runs` takes it")
    made.add_argument(
        "--limit", metavar="N", type=int, help=f"rows; 0 for all; default: {ROWS} on the terminal"
    )
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print CSV")
    form.add_argument("--md", action="store_true", help="print a Markdown table")
    return made


def main(argv: Sequence[str]) -> int:
    """Prints; the exit code."""
    args = parser().parse_intermixed_args(argv)
    if args.limit is not None and args.limit < 0:
        raise ArgumentError(f"--limit: a number of rows, or 0 for all, got {args.limit}")
    over = None if args.over is None else keys_of(args.over)
    # Imported here: NumPy is not waited for where an argument is wrong.
    from seedbed.analysis.runs_compared import Request, compare_runs
    from seedbed.api.run_comparison import RunComparison

    fast_start.imports_done()
    with opening(args.paths[0]) as bounds:
        bounds.for_many()
        table = table_of(args.paths)
        if args.filter is not None:
            table = filtered(table, args.filter)
        compared = compare_runs(table, Request(args.metric, over, args.better))
        _print(RunComparison(compared), args)
    return DONE


def filtered(table: RecordTable, text: str) -> RecordTable:
    """The runs that fulfil it.

    Raises:
        ArgumentError: if none does.
    """
    found = table.filtered(text)
    if len(table) and not len(found):
        hint = f"; {found.notes[-1]}" if found.notes else ""
        raise ArgumentError(f"--filter: none of {len(table)} runs fulfils '{text}'{hint}")
    return found


def _print(compared: "RunComparison", args: argparse.Namespace) -> None:
    from seedbed.cli.compare_tables import column_names, comparison_text, markdown_cells
    from seedbed.views.run_rows import csv_text, markdown_text

    if args.json:
        print(json_text(compared.to_json(args.limit or None)))
        return
    if args.csv or args.md:
        rows = compared.head(args.limit or len(compared))
        names = column_names(rows)
        if args.csv:
            print(csv_text([{n: row.get(n) for n in names} for row in rows], names), end="")
        else:
            print(markdown_text(markdown_cells(compared, rows), names), end="")
    else:
        print(comparison_text(compared, ROWS if args.limit is None else args.limit))
    print_notes(compared.notes)


def keys_of(text: str) -> tuple[str, ...]:
    """The keys of `--over`; none for `none`.

    Raises:
        ArgumentError: if one is empty.
    """
    if text == NONE:
        return ()
    keys = tuple(dict.fromkeys(key.strip() for key in text.split(",")))
    if not all(keys):
        raise ArgumentError(f"--over: '{text}' names no key; type --over seed, or --over none")
    return keys
