"""`seedbed validate`: composes and checks everything, without training."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seedbed.cli.arguments import Parser
from seedbed.compose.composed import ComposedConfig, ComposedSweep
from seedbed.process.ahead import composed_ahead
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text

if TYPE_CHECKING:
    from seedbed.api.checking import Report, SweepReport


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "validate",
        "Composes the config and checks it, builds the data and the model, and lets one batch "
        "through; nothing is trained and nothing is written.",
        "seedbed validate data=csv data.path=houses.csv data.target=price",
    )
    made.add_argument("overrides", metavar="OVERRIDE", nargs="*", help="as for seedbed train")
    made.add_argument("-m", "--multirun", action="store_true", help="check every job of a sweep")
    made.add_argument("--config-dir", metavar="DIR", help="your own config folder")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(argv: Sequence[str]) -> int:
    """Checks; the exit code."""
    args = parser().parse_intermixed_args(argv)
    request = _composed(args)
    report = _report(request)
    if args.json:
        print(json_text(report.to_json()))
        return DONE
    from seedbed.views.columns import column_lines

    notes = [f"note: {note}" for note in report.notes]
    print("\n".join([*column_lines(report.columns), *notes, str(report)]))
    return DONE


def _report(request: ComposedConfig | ComposedSweep) -> "Report | SweepReport":
    if isinstance(request, ComposedSweep):
        from seedbed.api.sweeping import check_sweep

        return check_sweep(request)
    from seedbed.api.checking import check_run

    return check_run(request)


def _composed(args: argparse.Namespace) -> ComposedConfig | ComposedSweep:
    from seedbed.cli.train import SWEEP_MODULES, request_of

    argv = [*(["-m"] if args.multirun else []), *args.overrides]
    if args.config_dir is not None:
        argv += ["--config-dir", args.config_dir]
    modules = SWEEP_MODULES if args.multirun else ("torch", "seedbed.training.build_run")
    request = composed_ahead(lambda: request_of(argv, only_check=True), modules)
    assert request is not None
    return request
