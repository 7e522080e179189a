"""`seedbed confirm SWEEP`: the best settings again with fresh seeds, judged by these alone."""

from collections.abc import Sequence
from pathlib import Path

from seedbed.cli.arguments import Parser, add_better, print_notes
from seedbed.cli.console import Console
from seedbed.cli.train import SWEEP_MODULES
from seedbed.components import only_readers_own
from seedbed.config.locations import users_allowed
from seedbed.process.fast_start import composed_ahead
from seedbed.runs.opening import opening


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "confirm",
        "Trains the best settings of a sweep again, with seeds that it has not used, and compares "
        "them by these alone: a best value is optimistic where it was chosen.",
        "seedbed confirm outputs/digits/sweep_2026-… --top 3 --test",
    )
    made.add_argument("sweep", metavar="SWEEP", help="a sweep directory")
    made.add_argument("--top", metavar="N", type=int, default=5, help="settings; default: 5")
    made.add_argument("--seeds", metavar="N", type=int, default=20, help="for each; default: 20")
    made.add_argument("--metric", metavar="NAME", help="chosen by; default: as `seedbed compare`")
    add_better(made)
    made.add_argument(
        "--test", action="store_true", help="measure the best of them on the test rows, once"
    )
    made.add_argument("--config-dir", metavar="DIR", help="your own config folder")
    words = "sweep.KEY=VALUE, hydra.sweep.dir=DIR"
    made.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help=words)
    return made


def main(argv: Sequence[str]) -> int:
    """Trains and compares; the exit code."""
    args = parser().parse_intermixed_args(argv)
    directory = Path(args.sweep)
    # Imported here: NumPy is not waited for where an argument is wrong.
    from seedbed.analysis.runs_compared import Request
    from seedbed.api.confirming import composed_confirmation, confirm_sweep, planned

    with opening(directory):
        plan = planned(
            directory,
            args.top,
            args.seeds,
            Request(args.metric, better=args.better),
            test=args.test,
        )
    console = Console(waits=True)
    with only_readers_own(users_allowed()):  # the sweep may be a stranger's
        request = composed_ahead(
            lambda: composed_confirmation(plan, args.overrides, args.config_dir), SWEEP_MODULES
        )
        from seedbed.cli.confirm_text import confirmation_text, notes_on
        from seedbed.cli.sweep_report import print_end

        print_notes([*notes_on(plan, args.top)])
        after = confirm_sweep(plan, request, console)
    print(confirmation_text(plan, after))
    return print_end(console.ended_sweep)
