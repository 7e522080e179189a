"""`seedbed validate`: composes and checks everything, without training."""

from collections.abc import Sequence

from seedbed.cli.ahead import composed_ahead
from seedbed.cli.arguments import Parser
from seedbed.cli.from_config import planned
from seedbed.cli.main import DONE
from seedbed.config.composed import ComposedSweep
from seedbed.runs.files import json_text


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
    if args.multirun:
        return _sweep(args.overrides, args.config_dir)
    plan = planned(args.overrides, args.config_dir)
    for note in plan.data.notes:
        print(f"note: {note}")
    if args.json:
        print(json_text({"valid": True, "parameters": plan.parameters, "rows": plan.train.rows}))
        return DONE
    print(
        f"valid: {plan.train.rows} rows to train on, {plan.data.preprocessing.task}, "
        f"{plan.parameters} parameters, {len(plan.train)} batches an epoch on {plan.engine.device}"
    )
    return DONE


def _sweep(overrides: Sequence[str], config_dir: str | None) -> int:
    from seedbed.cli import hydra_flags
    from seedbed.cli.sweep import checking_only, run_sweep
    from seedbed.cli.train import SWEEP_MODULES, asked_for

    words = ["-m", *overrides, *(["--config-dir", config_dir] if config_dir else [])]
    with checking_only():
        asked = composed_ahead(lambda: asked_for(words), SWEEP_MODULES)
        if isinstance(asked, ComposedSweep):
            run_sweep(asked)
        else:
            hydra_flags.through_hydra(words, hydra_flags.parse(words), lambda _: None)
    return DONE
