"""`seedbed plot RUN|SWEEP|DIR…`: the losses of a run, a run on its rows, and pictures of many."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seedbed.cli.arguments import Parser, output_file, print_notes, refuse_idle_flag
from seedbed.cli.many_runs import (
    add_comparison,
    add_runs,
    filtered,
    is_folder_of_runs,
    keys_of,
    runs_below,
)
from seedbed.cli.plot_rows import FLAGS as ROW_FLAGS
from seedbed.cli.plot_rows import add_rows, plot_rows
from seedbed.errors import ArgumentError
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text, printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening
from seedbed.views.row_kinds import ROW_KINDS

FLAGS = ("metric", "over", "filter", "better", "key", "against")
"""Of pictures of many runs."""

Draw = Callable[[argparse.Namespace, Any], Path]


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "plot",
        "The loss curves of one run or several that are named; of a sweep or a folder, and where\n"
        "a flag asks for it, a picture of what sets the runs apart. --kind confusion and the like\n"
        "are of one run on its validation or test rows, which must be those that it had.",
        "seedbed plot outputs/digits/sweep_2026-… --metric val/accuracy --output accuracy.svg",
    )
    add_runs(made)
    made.add_argument(
        "--output", metavar="FILE", help=".png, .svg or .pdf; default: loss.png in the only run"
    )
    made.add_argument(
        "--kind",
        metavar="KIND",
        help="curves (default): a metric by epoch; slice: it against a "
        "swept key; heatmap: against two; scatter: against another metric; "
        "importance: what mattered; parallel: all keys at once; and of one run on its "
        "rows: confusion, roc, calibration (of classes), residuals (of real values)",
    )
    add_comparison(made)
    made.add_argument("--key", metavar="KEY[,KEY]", help="of a slice or heatmap: which was swept")
    made.add_argument("--against", metavar="NAME", help="of a scatter: the other metric")
    add_rows(made)
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(argv: Sequence[str]) -> int:
    """Draws; the exit code."""
    args = parser().parse_intermixed_args(argv)
    draw = _mode_of(args)
    output = output_file(args.output, "--output") if args.output else None
    if output is not None:
        from seedbed.views.drawing import refuse_ending

        refuse_ending(output)
    path = draw(args, output)
    shown = printable(str(path))
    print(json_text({"figure": str(path)}) if args.json else f"figure: {shown}")
    return DONE


def _mode_of(args: argparse.Namespace) -> Draw:
    """What draws the picture: the losses of named runs, one run on rows, or many runs.

    Raises:
        ArgumentError: if a flag is of another mode, or there is no file to draw to.
    """
    if args.kind in ROW_KINDS:
        _refuse_flags(args, FLAGS, f"is of many runs, and {args.kind} of one")
        _must_name_file(args, f"--kind {args.kind} needs", f"{args.kind}.png")
        return plot_rows
    _refuse_flags(args, ROW_FLAGS, f"is of --kind {' or '.join(ROW_KINDS)}")
    many = any(getattr(args, flag) is not None for flag in ("kind", *FLAGS)) or any(
        is_folder_of_runs(Path(one)) for one in args.runs
    )
    if many or len(args.runs) > 1:
        _must_name_file(args, "several runs need", "loss.png")
    return _many if many else _losses


def _refuse_flags(args: argparse.Namespace, flags: Sequence[str], reason: str) -> None:
    for flag in flags:
        refuse_idle_flag(f"--{flag}", getattr(args, flag) is not None, reason)


def _must_name_file(args: argparse.Namespace, why: str, example: str) -> None:
    if args.output is None:
        raise ArgumentError(f"plot: {why} a file to draw to; type --output {example}")


def _losses(args: argparse.Namespace, output: Path | None) -> Path:
    runs = args.runs
    from seedbed.views.plots import plot_losses

    if all(RunPaths(Path(run)).history.exists() for run in runs):
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401 - while the collector rests, which takes a tenth off
    fast_start.imports_done()
    with opening(runs[0]):
        return plot_losses(runs, output)


def _many(args: argparse.Namespace, output: Path) -> Path:
    over = keys_of(args.over)
    keys = None if args.key is None else [key.strip() for key in args.key.split(",")]
    from seedbed.analysis.runs_compared import Request
    from seedbed.views.drawing import save
    from seedbed.views.pictures import PictureRequest, picture

    fast_start.imports_done()
    with runs_below(args.runs) as every:
        compared = Request(args.metric, over, args.better)
        asked = PictureRequest(args.kind or "curves", compared, keys, args.against)
        figure, notes = picture(filtered(every, args.filter), asked)
        save(figure, output)
    print_notes(notes)
    return output
