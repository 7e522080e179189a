"""`seedbed summary`: the layers and parameters of a run's model, or of a config's."""

from collections.abc import Sequence
from typing import Any

from seedbed.cli.arguments import Parser
from seedbed.cli.models import add_arguments, built, run_named, trained_model
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text


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
        return _print(plan.model, plan.data.preprocessing.input_shape, as_json=args.json)
    with trained_model(run) as trained:
        return _print(trained.model, trained.preprocessing.input_shape, as_json=args.json)


def _print(model: Any, shape: Sequence[int], *, as_json: bool) -> int:
    """Prints; the exit code."""
    from seedbed.views.summary import summary

    report = summary(model, shape)
    print(json_text(report.to_json()) + "\n" if as_json else report.table, end="")
    return DONE
