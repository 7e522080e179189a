"""`seedbed reproduce RUN`: runs it again elsewhere, and compares bit for bit."""

import sys
from collections.abc import Sequence

from seedbed.api.reproducing import Comparison, reproduce_run
from seedbed.cli.arguments import Parser, print_notes
from seedbed.config.hints import counted
from seedbed.process.exit_codes import DONE, RUN_FAILED, WRONG_INPUT
from seedbed.remote.places import read_place
from seedbed.runs.files import json_text
from seedbed.runs.reader import open_run


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "reproduce",
        "Runs a finished run again from its config.yaml, in a scratch folder, and compares the "
        "loss history, the metrics and every weight, bit for bit. A run that was trained among "
        "others is trained among them again, bit for bit, and makes steps on its own from the same "
        "weights, each of which comes out alike within rounding. "
        "data.path=FILE says where its data lies now.",
        "seedbed reproduce outputs/sum/2026-…",
    )
    made.add_argument("run", metavar="RUN", type=read_place, help="a run directory")
    made.add_argument("overrides", metavar="data.path=FILE", nargs="*", help="its data, if moved")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(argv: Sequence[str]) -> int:
    """Reruns and compares; the exit code."""
    args = parser().parse_intermixed_args(argv)
    paths = open_run(args.run)
    comparison = reproduce_run(paths, args.overrides, lambda text: print_notes([text]))
    if args.json:
        print(json_text(comparison.to_json()))
    else:
        _print(comparison)
    if comparison.identical is None:
        print(f"error: {comparison.not_compared}", file=sys.stderr)
        return WRONG_INPUT
    return DONE if comparison.identical else RUN_FAILED


def _print(comparison: Comparison) -> None:
    for line in comparison.environment:
        print(f"environment: {line}")
    for line in comparison.differences:
        print(f"difference: {line}")
    steps = comparison.steps_on_its_own
    if comparison.engine == "fused" and not steps:
        print("note: not compared on its own, where it draws other random numbers")
    elif comparison.alike_on_its_own:
        print(
            f"alike: run on its own, {counted(steps, 'step')} from the same weights, each "
            "within rounding"
        )
    if comparison.identical_in_its_stack:
        print("identical: trained among the same runs, bit for bit")
    if comparison.identical is not None:
        print("identical" if comparison.identical else "not identical")
