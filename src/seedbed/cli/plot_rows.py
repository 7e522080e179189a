"""`seedbed plot RUN --kind confusion` and the like: one run on its validation or test rows."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.cli.arguments import Parser, print_notes, refuse_idle_flag, rows_file
from seedbed.cli.many_runs import is_folder_of_runs, runs_below
from seedbed.config.hints import counted
from seedbed.errors import ArgumentError, SeedbedError
from seedbed.process import fast_start
from seedbed.runs.files import printable
from seedbed.runs.opening import Opening, opening
from seedbed.runs.reader import open_to_read
from seedbed.views.row_kinds import refuse_other_rows

if TYPE_CHECKING:
    from seedbed.runs.layout import RunPaths
    from seedbed.views.own_rows import RowOutputs
    from seedbed.views.trained import TrainedModel

FLAGS = ("rows", "file", "checkpoint")
"""Of these pictures alone."""


def add_rows(made: Parser) -> None:
    """The flags of these pictures."""
    made.add_argument("--rows", metavar="val|test", help="of one run; default: val")
    made.add_argument(
        "--file", metavar="FILE", type=rows_file, help="instead: rows with labels, as of evaluate"
    )
    made.add_argument("--checkpoint", choices=("last", "best"), help="instead of model.pth")


def plot_rows(args: argparse.Namespace, output: Path) -> Path:
    """Draws the picture.

    Raises:
        SeedbedError: if the run cannot be opened, or the picture is not one of it.
    """
    if args.rows is not None:
        refuse_other_rows(args.rows)
        refuse_idle_flag("--rows", args.file is not None, "names rows of the run, not of --file")
    words = [word for word in args.runs if word.startswith("data.") and "=" in word]
    runs = [word for word in args.runs if word not in words]
    refuse_idle_flag(words[0] if words else "", words and args.file, "is where the run's rows lie")
    paths = _one_run(runs, args.kind)
    with opening(paths.root, args.file) as bounds:
        from seedbed.views.drawing import save
        from seedbed.views.row_pictures import refuse_other_kind, row_picture
        from seedbed.views.trained import load_trained

        fast_start.imports_done()
        trained = load_trained(paths.root, args.checkpoint)
        refuse_other_kind(trained, paths, args.kind)
        rows = _outputs(args, trained, paths, bounds, words)
        figure, notes = row_picture(trained, args.kind, rows, paths)
        save(figure, output)
        print_notes(notes)
    return output


def _outputs(
    args: argparse.Namespace,
    trained: "TrainedModel",
    paths: "RunPaths",
    bounds: Opening,
    words: Sequence[str],
) -> "RowOutputs":
    from seedbed.views.own_rows import file_outputs, split_outputs

    if args.file is not None:
        return file_outputs(trained, paths, Path(args.file))
    final = args.checkpoint is None
    return split_outputs(trained, paths, args.rows or "val", bounds, words, final=final)


def _one_run(runs: Sequence[str], kind: str) -> "RunPaths":
    """The only run.

    Raises:
        ArgumentError: if there are several; with what to type.
    """
    if len(runs) != 1:
        raise ArgumentError(f"--kind: {kind} is of one run, got {len(runs)}; name one")
    if is_folder_of_runs(Path(runs[0])):
        _refuse_several(runs[0], kind)
    return open_to_read(runs[0])


def _refuse_several(folder: str, kind: str) -> None:
    """Names the best run below a folder, or the newest where they cannot be ranked.

    Raises:
        ArgumentError: if there is a run.
    """
    from seedbed.api.run_table import RunTable

    with runs_below([folder]) as table:
        if not len(table):
            return
        try:
            one = f"the best is {RunTable(table).best().path}"
        except SeedbedError:
            one = f"the newest is {table[0].path}"
        raise ArgumentError(
            f"--kind: {kind} is of one run, and '{folder}' holds {counted(len(table), 'run')}; "
            f"{printable(one)}"
        )
