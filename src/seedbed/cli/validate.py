"""`seedbed validate`: composes and checks everything, without training."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seedbed.cli.arguments import Parser
from seedbed.components import AllowList
from seedbed.compose.composed import Composed, ComposedSweep
from seedbed.config.schema import DataConfig, FilesConfig, SklearnConfig
from seedbed.process import fast_start
from seedbed.process.exit_codes import DONE
from seedbed.process.fast_start import composed_ahead
from seedbed.runs.files import json_text

if TYPE_CHECKING:
    from seedbed.data.preprocessing import Preprocessing
    from seedbed.views.columns import ColumnReport


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


def main(words: Sequence[str]) -> int:
    """Checks; the exit code."""
    args = parser().parse_intermixed_args(words)
    asked = _composed(args)
    if isinstance(asked, ComposedSweep):
        return _sweep(asked)
    # Imported here: torch takes a second, and a misspelt key is answered before it.
    from seedbed.training.plan import prepare_run
    from seedbed.views.columns import column_lines

    fast_start.imports_done()
    plan = prepare_run(asked.run, AllowList(asked.run.allow))
    notes = [*asked.notes, *plan.notes]
    reports = _columns(asked.run.data, plan.data.preprocessing)
    if args.json:
        told = {"valid": True, "parameters": plan.parameters, "rows": plan.train.rows}
        more = {"notes": notes, "columns": [one.to_json() for one in reports]}
        print(json_text({**told, **{key: value for key, value in more.items() if value}}))
        return DONE
    for line in column_lines(reports):
        print(line)
    for note in notes:
        print(f"note: {note}")
    print(
        f"valid: {plan.train.rows} rows to train on, {plan.data.preprocessing.task}, "
        f"{plan.parameters} parameters, {len(plan.train)} batches an epoch on {plan.engine.device}"
    )
    return DONE


def _columns(data: DataConfig, preprocessing: "Preprocessing") -> list["ColumnReport"]:
    """How each column of a table was read; none of the rows of a YAML or a Dataset."""
    from seedbed.tables.sources import read_source
    from seedbed.views.columns import column_reports

    if not isinstance(data, FilesConfig | SklearnConfig):
        return []
    return column_reports(read_source(data), preprocessing)


def _composed(args: argparse.Namespace) -> Composed | ComposedSweep:
    from seedbed.cli.train import SWEEP_MODULES, asked_for

    words = [*(["-m"] if args.multirun else []), *args.overrides]
    if args.config_dir is not None:
        words += ["--config-dir", args.config_dir]
    modules = SWEEP_MODULES if args.multirun else ("torch", "seedbed.training.plan")
    asked = composed_ahead(lambda: asked_for(words, only_check=True), modules)
    assert asked is not None
    return asked


def _sweep(asked: ComposedSweep) -> int:
    from seedbed.cli.sweep import checking_only, run_sweep

    with checking_only():
        run_sweep(asked)
    return DONE
