"""`seedbed unpack SWEEP [JOB…]`: makes run directories of runs that are in packs."""

from collections.abc import Sequence
from pathlib import Path

from seedbed.api.unpacking import left_in_packs, unpack_runs
from seedbed.cli.arguments import Parser, print_notes
from seedbed.config.hints import counted, joined
from seedbed.process.exit_codes import DONE
from seedbed.remote.places import here_alone
from seedbed.runs.files import printable
from seedbed.runs.opening import opening


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "unpack",
        "Makes run directories of the runs of a sweep that was trained with sweep.layout=packed.",
        "seedbed unpack outputs/sum/sweep_2026-… 17",
    )
    made.add_argument("sweep", metavar="SWEEP", type=here_alone, help="a sweep directory")
    made.add_argument("jobs", metavar="JOB", nargs="*", help="its folder or number; default: all")
    made.add_argument("--to", metavar="DIR", help="where to; default: the sweep itself")
    return made


def main(argv: Sequence[str]) -> int:
    """Unpacks; the exit code."""
    args = parser().parse_intermixed_args(argv)
    sweep, into = Path(args.sweep), None if args.to is None else Path(args.to)
    with opening(args.sweep) as bounds:
        bounds.for_many()
        count = sum(1 for _ in unpack_runs(sweep, args.jobs, into))
        left, idle = left_in_packs(sweep)
    where = printable(str(sweep if into is None else into))
    print(f"unpacked: {counted(count, 'run')} into {where}")
    if into is None and idle:
        packs = joined(idle, 3)
        print_notes([f"all runs of {packs} have directories now; delete {packs} to save its bytes"])
    if into is None and left:
        print(f"{counted(left, 'run')} more in packs")
    return DONE
