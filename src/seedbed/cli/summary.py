"""`seedbed summary`: the layers and parameters of a run's model, or of a config's."""

from collections.abc import Sequence
from typing import Any

from seedbed.cli.arguments import Parser, is_run, print_notes, refuse_idle_flag
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.runs.files import json_text
from seedbed.runs.opening import opening
from seedbed.runs.reader import open_run


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "summary",
        "The layers and parameters of a run's model, or of the model that overrides describe.",
        "seedbed summary model=sequential 'model.hidden=[64,32]'",
    )
    made.add_argument(
        "what", metavar="RUN | OVERRIDE", nargs="*", help="a run directory, or overrides"
    )
    made.add_argument("--config-dir", metavar="DIR", help="your own config folder")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(argv: Sequence[str]) -> int:
    """Prints; the exit code."""
    args = parser().parse_intermixed_args(argv)
    if is_run(args.what):
        refuse_idle_flag("--config-dir", args.config_dir, "is for overrides, not for a run")
        open_run(args.what[0])
        with opening(args.what[0]):
            # Imported here: torch takes a second, and a wrong argument is answered before it.
            from seedbed.views.trained import load_trained

            fast_start.imports_done()
            trained = load_trained(args.what[0])
            print_notes(trained.notes)
            return _show(trained.model, trained.preprocessing.input_shape, as_json=args.json)
    from seedbed.cli.from_config import planned

    plan = planned(args.what, args.config_dir)
    return _show(plan.model, plan.data.preprocessing.input_shape, as_json=args.json)


def _show(model: Any, shape: Sequence[int], *, as_json: bool) -> int:
    """Prints; the exit code."""
    from seedbed.views.summary import layer_rows, model_table, totals

    if not as_json:
        print(model_table(model, shape), end="")
        return DONE
    total, trainable = totals(model)
    rows = [
        {"name": row.name, "layer": row.path, "shape": row.shape, "parameters": row.parameters}
        for row in layer_rows(model, shape)
    ]
    print(json_text({"layers": rows, "total": total, "trainable": trainable}))
    return DONE
