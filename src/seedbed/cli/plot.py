"""`seedbed plot RUN…`: loss curves."""

from collections.abc import Sequence
from pathlib import Path

from seedbed.cli.arguments import Parser, output_file
from seedbed.errors import ArgumentError
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "plot",
        "The loss curves of one run or several, as a PNG.",
        "seedbed plot outputs/sum/2026-… --output loss.png",
    )
    made.add_argument("runs", metavar="RUN", nargs="+", help="a run directory")
    made.add_argument("--output", metavar="FILE.png", help="default: loss.png in the run")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(argv: Sequence[str]) -> int:
    """Draws; the exit code."""
    args = parser().parse_intermixed_args(argv)
    if len(args.runs) > 1 and not args.output:
        raise ArgumentError("plot: several runs need a file to draw to; type --output loss.png")
    output = output_file(args.output, "--output") if args.output else None
    if output is not None and output.suffix.lower() != ".png":
        raise ArgumentError(f"--output: '{output}' must end in .png")
    from seedbed.views.plots import plot_losses

    if all(RunPaths(Path(run)).history.exists() for run in args.runs):
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401 - while the collector rests, which takes a tenth off
    fast_start.imports_done()
    with opening(args.runs[0]):
        path = plot_losses(args.runs, output)
    print(json_text({"figure": str(path)}) if args.json else f"figure: {path}")
    return DONE
