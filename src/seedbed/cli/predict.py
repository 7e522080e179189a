"""`seedbed predict RUN`: predictions for new rows."""

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbed.cli import collector
from seedbed.cli.arguments import Parser, output_file, parsed_json
from seedbed.cli.main import DONE
from seedbed.runs.files import json_text, write_text
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


def main(words: Sequence[str]) -> int:
    """Predicts; the exit code."""
    args = parser().parse_args(words)
    rows = parsed_json(args.input, "--input") if args.input is not None else None
    output = output_file(args.output, "--output") if args.output else None
    open_run(args.run)
    # Imported here: torch takes a second, and a wrong argument is answered before it.
    from seedbed.data.new_rows import inputs_from_file, inputs_from_json, read_rows
    from seedbed.views.predict import prediction_columns, predictions
    from seedbed.views.trained import load_trained

    collector.wake()
    trained = load_trained(args.run, args.checkpoint)
    given: dict[str, list[Any]] = {}
    if args.file:
        path = Path(args.file)
        table = read_rows(path, trained.config["data"])
        inputs = inputs_from_file(path, table, trained.preprocessing)
        given = {name: column.shown() for name, column in table.columns.items()}
    else:
        inputs = inputs_from_json(rows, trained.preprocessing)
    predicted = predictions(trained, inputs)
    if args.json:
        print(json_text(predicted))
        return DONE
    columns = prediction_columns(trained, predicted)
    if output is not None:
        write_text(output, _csv({**given, **columns}))
        print(f"{len(inputs)} predictions: {output}")
    elif given:
        sys.stdout.write(_csv(columns))
    else:
        for answer in predicted["predictions"]:
            print(answer if isinstance(answer, str) else "  ".join(f"{v:.6g}" for v in answer))
    return DONE


def _csv(columns: dict[str, list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()
