"""`seedbed remove RUN…`: removes runs or sweeps, once it has said what goes."""

import sys
from collections.abc import Sequence

from seedbed.cli.arguments import Parser, print_notes
from seedbed.config.hints import counted, joined, size_text
from seedbed.errors import ArgumentError
from seedbed.process.exit_codes import DONE
from seedbed.remote.places import here_alone
from seedbed.runs.files import printable
from seedbed.runs.removal import Removal, left_behind, removals, remove

MOST_NAMED = 5
"""Files that no run makes."""


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "remove",
        "Removes run directories, and sweeps with all of their runs. Says what goes and asks.",
        "seedbed remove outputs/sum/2026-…",
    )
    made.add_argument(
        "runs", metavar="RUN", nargs="+", type=here_alone, help="a run or a sweep directory"
    )
    made.add_argument("--yes", action="store_true", help="do not ask")
    return made


def main(argv: Sequence[str]) -> int:
    """Asks and removes; the exit code."""
    args = parser().parse_intermixed_args(argv)
    going = removals(args.runs)
    for removal in going:
        print(_line(removal))
    if any(removal.of_stack for removal in going):
        print("note: runs that were trained with it cannot be reproduced bit for bit without it")
    runs = counted(sum(len(removal.runs) for removal in going), "run")
    what = f"{runs}, {size_text(sum(one.size for one in going))}"
    if not args.yes and not _agreed(what):
        print("nothing is removed")
        return DONE
    for removal in going:
        remove(removal)
    print(f"removed: {what}")
    print_notes(
        [
            f"'{printable(str(rest))}' is the rest of a removal that broke off; delete it, unless "
            "something in it is to be kept"
            for rest in left_behind({removal.path.parent for removal in going})
        ]
    )
    return DONE


def _agreed(what: str) -> bool:
    """Whether the person at the terminal says yes.

    Raises:
        ArgumentError: if there is none.
    """
    if not sys.stdin.isatty():
        raise ArgumentError(
            f"remove: {what} would go, and nobody can be asked; type --yes to agree"
        )
    print(f"remove {what} for good? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _line(removal: Removal) -> str:
    """The directory, what it is, and what in it somebody else made."""
    kind = f"sweep of {counted(len(removal.runs), 'run')}" if removal.is_sweep else "run"
    others = [printable(name) for name in removal.others]
    also = f"; with it {joined(others, MOST_NAMED)}, which no run makes" if others else ""
    return f"{printable(str(removal.path))}: {kind}, {size_text(removal.size)}{also}"
