"""`seedbed report RUN|SWEEP|DIR…`: one HTML page of runs, opened from disk, with no network."""

import argparse
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from seedbed.cli.arguments import Parser, output_file, print_notes
from seedbed.cli.many_runs import add_comparison, add_runs, filtered, keys_of, runs_below
from seedbed.errors import RunDirectoryError
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text, printable


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "report",
        "One HTML page that needs no network: the verdict in words, a table to sort and filter, "
        "parallel coordinates and curves, what mattered, the config and the environment.",
        "seedbed report outputs/digits/sweep_2026-…",
    )
    add_runs(made)
    made.add_argument(
        "--output", metavar="FILE", help=".html; default: report.html in the only folder"
    )
    add_comparison(made)
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(argv: Sequence[str]) -> int:
    """Writes the page; the exit code."""
    args = parser().parse_intermixed_args(argv)
    over = keys_of(args.over)
    output = None if args.output is None else output_file(args.output, "--output")
    # Imported here: NumPy is not waited for where an argument is wrong.
    from seedbed.analysis.runs_compared import Request
    from seedbed.api.reporting import write_report
    from seedbed.views.report.content import Origin
    from seedbed.views.report.output import page_path

    path = page_path(output, args.runs)
    fast_start.imports_done()
    with runs_below(args.runs) as every:
        table = filtered(every, args.filter)
        origin = Origin(_title(args.runs), shlex.join(["seedbed", "report", *argv]))
        request = Request(args.metric, over, args.better)
        with _elsewhere(path, named=output is not None):
            told = write_report(table, request, origin, path)
    _print(args, path, len(table))
    reason = [] if told.metric or not told.reason else [f"no verdict: {told.reason}"]
    print_notes([*reason, *told.notes])
    return DONE


@contextmanager
def _elsewhere(path: Path, *, named: bool) -> Iterator[None]:
    """Says of a folder that nobody named and that cannot be written how to name another."""
    try:
        yield
    except RunDirectoryError as err:
        if named or not err.problems[0].startswith(f"cannot write '{path}'"):
            raise
        raise RunDirectoryError(f"{err.problems[0]}; type --output FILE.html") from err


def _title(folders: Sequence[str]) -> str:
    """The folders' own names."""
    return ", ".join(Path(one).resolve().name or one for one in folders)


def _print(args: argparse.Namespace, path: Path, runs: int) -> None:
    shown = printable(str(path))
    print(json_text({"report": str(path), "runs": runs}) if args.json else f"report: {shown}")
