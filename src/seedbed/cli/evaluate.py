"""`seedbed evaluate RUN`: the loss and the metrics on a labelled file."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.cli.arguments import Parser, add_forms, print_notes, rows_file
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.remote.places import read_place
from seedbed.runs.files import json_text
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening
from seedbed.runs.reader import open_to_read

if TYPE_CHECKING:
    from seedbed.api.evaluations import Evaluation


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "evaluate",
        "The loss and the metrics of a run on a labelled file, each with a 95 % interval: the\n"
        "percentile bootstrap over rows, with 2,000 resamples that are always the same; of more\n"
        "than 5,000 rows with fewer, 200 at least. Rows without a label are left out and counted.",
        "seedbed evaluate outputs/table/2026-… --file labelled.csv --by region",
    )
    made.add_argument("run", metavar="RUN", type=read_place, help="a run directory")
    made.add_argument(
        "--file",
        metavar="FILE",
        type=rows_file,
        required=True,
        help="a .csv, .tsv, .parquet or .npz file with the run's features and target; of images "
        "also a folder with one folder a class",
    )
    made.add_argument(
        "--by", metavar="COLUMN", help="also for each value in a column, any one of the file"
    )
    made.add_argument("--checkpoint", choices=("last", "best"), help="instead of model.pth")
    add_forms(made)
    return made


def main(argv: Sequence[str]) -> int:
    """Measures; the exit code."""
    args = parser().parse_args(argv)
    open_to_read(args.run)
    with opening(args.run, args.file):
        found = _evaluation(args)
        _print(found, args)
        print_notes(found.notes)
    return DONE


def _evaluation(args: argparse.Namespace) -> "Evaluation":
    """The run may be a stranger's, and the rows as well."""
    # Imported here: torch takes a second, and a wrong argument is answered before it.
    from seedbed.api.evaluations import Evaluation
    from seedbed.views.evaluate import evaluated, training_file_note
    from seedbed.views.labelled_file import labelled_file
    from seedbed.views.trained import load_trained

    fast_start.imports_done()
    trained = load_trained(args.run, args.checkpoint)
    file = Path(args.file)
    rows = labelled_file(trained, file, args.by)
    notes = training_file_note(RunPaths(Path(args.run)), trained.config, file)
    return Evaluation(evaluated(trained, rows, notes))


def _print(found: "Evaluation", args: argparse.Namespace) -> None:
    from seedbed.cli.evaluation_table import evaluation_text, markdown_columns
    from seedbed.views.run_rows import csv_text, markdown_text

    rows = found.rows
    if args.json:
        print(json_text(found.to_json()))
    elif args.csv:
        print(csv_text(rows, list(rows[0])), end="")
    elif args.md:
        print(markdown_text(markdown_columns(rows)), end="")
    else:
        print(evaluation_text(found, Path(args.file).name))
