"""`seedbed compare RUN|SWEEP…`: what differs, which setting is best, and whether that is shown."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seedbed.cli.arguments import Parser, add_forms, print_notes, refuse_negative
from seedbed.cli.many_runs import (
    add_comparison,
    add_runs,
    filtered,
    keys_of,
    print_rows,
    runs_below,
)
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.remote.places import listed_place
from seedbed.runs.files import json_text

if TYPE_CHECKING:
    from seedbed.api.run_comparison import RunComparison

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
    add_runs(made, listed_place)
    add_comparison(made)
    made.add_argument(
        "--limit", metavar="N", type=int, help=f"rows; 0 for all; default: {ROWS} on the terminal"
    )
    add_forms(made)
    return made


def main(argv: Sequence[str]) -> int:
    """Prints; the exit code."""
    args = parser().parse_intermixed_args(argv)
    refuse_negative("--limit", args.limit, "rows")
    over = keys_of(args.over)
    # Imported here: NumPy is not waited for where an argument is wrong.
    from seedbed.analysis.runs_compared import Request, compare_runs
    from seedbed.api.run_comparison import RunComparison

    with runs_below(args.runs) as every:
        fast_start.imports_done()
        asked = Request(args.metric, over, args.better)
        _print(RunComparison(compare_runs(filtered(every, args.filter), asked)), args)
    return DONE


def _print(compared: "RunComparison", args: argparse.Namespace) -> None:
    from seedbed.cli.compare_tables import comparison_text

    if args.json:
        print(json_text(compared.to_json(args.limit or None)))
        return
    if args.csv or args.md:
        print_rows(compared.head(args.limit or len(compared)), markdown=args.md)
    else:
        print(comparison_text(compared, ROWS if args.limit is None else args.limit))
    print_notes(compared.notes)
