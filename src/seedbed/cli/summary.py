"""`seedbed summary`: the layers and parameters of a run's model, or of a config's."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seedbed.cli.arguments import Parser
from seedbed.cli.models import add_arguments, built, run_named, trained_model
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text

if TYPE_CHECKING:
    from seedbed.views.summary import Summary


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "summary",
        "The layers and parameters of a run's model, or of the model that overrides describe.",
        "seedbed summary model=sequential 'model.hidden=[64,32]'",
    )
    add_arguments(made)
    return made


def main(argv: Sequence[str]) -> int:
    """Prints; the exit code."""
    args = parser().parse_intermixed_args(argv)
    run = run_named(args.what, args.config_dir)
    if run is None:
        plan = built(args.what, args.config_dir)
        from seedbed.views.summary import summary

        report = summary(plan.model, plan.data.preprocessing.row_form)
        return _print(report, as_json=args.json)
    with trained_model(run) as trained:
        from seedbed.views.summary import trained_summary

        return _print(trained_summary(trained), as_json=args.json)


def _print(report: "Summary", *, as_json: bool) -> int:
    """Prints; the exit code."""
    print(json_text(report.to_json()) + "\n" if as_json else report.table, end="")
    return DONE
