"""`seedbed predict RUN`: predictions for new rows."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbed.cli.arguments import Parser, output_file, parsed_json, print_notes
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text, write_bytes
from seedbed.runs.opening import opening
from seedbed.runs.reader import open_run


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "predict",
        "Predictions of a trained run for new rows, from JSON or from a file.",
        "seedbed predict outputs/sum/2026-… --input '[[10, 11]]'",
    )
    made.add_argument("run", metavar="RUN", help="a run directory")
    rows = made.add_mutually_exclusive_group(required=True)
    rows.add_argument("--input", metavar="JSON", help='rows: [[10, 11]] or [{"rooms": 3}]')
    rows.add_argument("--file", metavar="FILE", help="a .csv, .tsv, .parquet or .npz file")
    made.add_argument(
        "--output", metavar="FILE", help="write a CSV: the file's columns and the prediction"
    )
    made.add_argument("--checkpoint", choices=("last", "best"), help="instead of model.pth")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(argv: Sequence[str]) -> int:
    """Predicts; the exit code."""
    args = parser().parse_args(argv)
    json_rows = parsed_json(args.input, "--input") if args.input is not None else None
    output = output_file(args.output, "--output") if args.output else None
    open_run(args.run)
    with opening(args.run, args.file):
        return _predict(args, json_rows, output)


def _predict(args: argparse.Namespace, json_rows: Any, output: Path | None) -> int:
    """The run may be a stranger's, and the rows as well.

    Args:
        args: as typed.
        json_rows: of `--input`.
        output: the file to write.
    """
    # Imported here: torch takes a second, and a wrong argument is answered before it.
    from seedbed.data.new_rows import opened_rows, rows_from_file, rows_from_json
    from seedbed.tables.csv_output import csv_text, with_predictions
    from seedbed.views.predict import prediction_columns, predictions
    from seedbed.views.trained import load_trained

    fast_start.imports_done()
    trained = load_trained(args.run, args.checkpoint)
    file = opened_rows(Path(args.file), trained.config["data"]) if args.file else None
    preprocessing = trained.preprocessing
    rows = rows_from_file(file, preprocessing) if file else rows_from_json(json_rows, preprocessing)
    print_notes([*trained.notes, *rows.notes])
    predicted = predictions(trained, rows.inputs)
    columns = {**prediction_columns(trained, predicted), **rows.warnings()}
    if output is not None:
        content = with_predictions(file, columns) if file else csv_text(columns).encode()
        write_bytes(output, content)
    if args.json:
        print(json_text(predicted))
    elif output is not None:
        print(f"{len(rows.inputs)} predictions: {output}")
    elif file:
        sys.stdout.write(csv_text(columns))
    else:
        _show(predicted["predictions"])
    return DONE


def _show(predictions: Sequence[Any]) -> None:
    """A line for each row."""
    for prediction in predictions:
        print(
            prediction if isinstance(prediction, str) else "  ".join(f"{v:.6g}" for v in prediction)
        )
