"""`seedbed plot RUN|SWEEP|DIR…`: the losses of a run, and pictures of many."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from seedbed.cli.arguments import Parser, add_better, output_file, print_notes
from seedbed.cli.many_runs import (
    add_filter,
    add_over,
    filtered,
    keys_of,
    runs_below,
)
from seedbed.errors import ArgumentError
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text, printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening

FLAGS = ("kind", "metric", "over", "filter", "better", "key", "against")
"""Of pictures of many runs."""


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "plot",
        "The loss curves of one run or several that are named; of a sweep or a folder, and where a "
        "flag asks for it, a picture of what sets the runs apart.",
        "seedbed plot outputs/digits/sweep_2026-… --metric val/accuracy --output accuracy.svg",
    )
    made.add_argument(
        "runs", metavar="RUN | SWEEP | DIR", nargs="+", help="a run, a sweep, or a folder of some"
    )
    made.add_argument(
        "--output", metavar="FILE", help=".png, .svg or .pdf; default: loss.png in the only run"
    )
    made.add_argument(
        "--kind",
        metavar="KIND",
        help="curves (default): a metric by epoch; slice: it against a "
        "swept key; heatmap: against two; scatter: against another metric; "
        "importance: what mattered; parallel: all keys at once",
    )
    made.add_argument("--metric", metavar="NAME", help="default: of the validation rows")
    add_over(made)
    add_better(made)
    made.add_argument("--key", metavar="KEY[,KEY]", help="of a slice or heatmap: which was swept")
    made.add_argument("--against", metavar="NAME", help="of a scatter: the other metric")
    add_filter(made)
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(argv: Sequence[str]) -> int:
    """Draws; the exit code."""
    args = parser().parse_intermixed_args(argv)
    many = any(getattr(args, flag) is not None for flag in FLAGS) or any(
        _is_folder_of_runs(Path(one)) for one in args.runs
    )
    if args.output is None and (many or len(args.runs) > 1):
        raise ArgumentError("plot: several runs need a file to draw to; type --output loss.png")
    output = output_file(args.output, "--output") if args.output else None
    if output is not None:
        from seedbed.views.drawing import refuse_ending

        refuse_ending(output)
    path = _many(args, output) if many and output else _losses(args.runs, output)
    shown = printable(str(path))
    print(json_text({"figure": str(path)}) if args.json else f"figure: {shown}")
    return DONE


def _is_folder_of_runs(path: Path) -> bool:
    """Whether it is no run itself, and there is something in it to look for runs in."""
    paths = RunPaths(path)
    own = (paths.config, paths.status, paths.history)
    try:
        return path.is_dir() and not any(one.exists() for one in own) and _has_folders(path)
    except OSError:
        return False


def _has_folders(path: Path) -> bool:
    return any(one.is_dir() and not one.name.startswith(".") for one in path.iterdir())


def _losses(runs: Sequence[str], output: Path | None) -> Path:
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
