"""`seedbed predict RUN`: predictions for new rows."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.cli.arguments import Parser, output_file, parsed_json, print_notes, rows_file
from seedbed.errors import DataError
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.remote.places import read_place
from seedbed.runs.files import json_text
from seedbed.runs.opening import opening
from seedbed.runs.outputs import write_output
from seedbed.runs.reader import open_to_read

if TYPE_CHECKING:
    from seedbed.tables.table_file import TableFile
    from seedbed.views.predict_large import LargePredictions
    from seedbed.views.trained import TrainedModel


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "predict",
        "Predictions of a trained run for new rows, from JSON or from a file.",
        "seedbed predict outputs/sum/2026-… --input '[[10, 11]]'",
    )
    made.add_argument("run", metavar="RUN", type=read_place, help="a run directory")
    rows = made.add_mutually_exclusive_group(required=True)
    rows.add_argument("--input", metavar="JSON", help='rows: [[10, 11]] or [{"rooms": 3}]')
    rows.add_argument(
        "--file",
        metavar="FILE",
        type=rows_file,
        help="a .csv, .tsv, .parquet or .npz file, or the URL of one; of images one, or a folder",
    )
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
    open_to_read(args.run)
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
    from seedbed.data.json_rows import rows_from_json
    from seedbed.data.new_rows import opened_rows, rows_from_file
    from seedbed.tables.csv_output import csv_text, with_predictions
    from seedbed.views.predict import prediction_columns, predictions
    from seedbed.views.trained import load_trained

    fast_start.imports_done()
    trained = load_trained(args.run, args.checkpoint)
    preprocessing, data = trained.preprocessing, trained.config["data"]
    file = opened_rows(Path(args.file), data, preprocessing) if args.file else None
    large = _large(trained, file) if file is not None and file.is_large else None
    if large is not None:
        with closing(large):
            print_notes([*trained.notes, *large.notes])
            return _say_large(large, args, output)
    rows = rows_from_file(file, preprocessing) if file else rows_from_json(json_rows, preprocessing)
    print_notes([*trained.notes, *rows.notes])
    predicted = predictions(trained, rows.inputs)
    columns = {**prediction_columns(trained, predicted), **rows.warnings()}
    if output is not None:
        content = with_predictions(file, columns) if file else csv_text(columns).encode()
        write_output(output, content)
    if args.json:
        print(json_text(predicted))
    elif output is not None:
        print(f"{len(rows.inputs)} predictions: {output}")
    elif file:
        sys.stdout.write(csv_text({**file.row_names(), **columns}))
    else:
        _show(predicted["predictions"])
    return DONE


def _large(trained: "TrainedModel", file: "TableFile") -> "LargePredictions | None":
    """Predictions for a large file; None if something is wrong, which is told of all of it."""
    from seedbed.views.predict_large import LargePredictions

    if not trained.preprocessing.features:
        return None
    try:
        return LargePredictions(trained, file)
    except (DataError, OSError):  # where there is no room for a temporary file, memory may do
        return None


def _say_large(large: "LargePredictions", args: argparse.Namespace, output: Path | None) -> int:
    from seedbed.tables.csv_output import csv_text, predictions_added

    if output is not None:
        write_output(output, predictions_added(large.file, large.blocks()))
    if args.json:
        print(json_text(large.report()))
    elif output is not None:
        print(f"{large.rows} predictions: {output}")
    else:
        for number, columns in enumerate(large.blocks()):
            sys.stdout.write(csv_text(columns, header=number == 0))
    return DONE


def _show(predictions: Sequence[Any]) -> None:
    """A line for each row."""
    for prediction in predictions:
        print(
            prediction if isinstance(prediction, str) else "  ".join(f"{v:.6g}" for v in prediction)
        )
