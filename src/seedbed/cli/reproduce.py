"""`seedbed reproduce RUN`: runs it again elsewhere, and compares bit for bit."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from seedbed.cli.arguments import Parser
from seedbed.cli.main import DONE, RUN_FAILED
from seedbed.errors import ArgumentError
from seedbed.runs.files import json_text
from seedbed.runs.reader import open_run, read_config, read_status


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "reproduce",
        "Runs a finished run again from its config.yaml, in a scratch folder, and compares the "
        "loss history, the metrics and every weight, bit for bit.",
        "seedbed reproduce outputs/sum/2026-…",
    )
    made.add_argument("run", metavar="RUN", help="a run directory")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(words: Sequence[str]) -> int:
    """Reruns and compares; the exit code."""
    args = parser().parse_args(words)
    paths = open_run(args.run)
    plain = read_config(paths)
    status = read_status(paths)["status"]
    if status not in ("completed", "diverged"):
        raise ArgumentError(
            f"'{paths.root}' is {status}, so there is no end to compare with; "
            f"type seedbed resume {paths.root}"
        )
    # Imported here: torch takes a second, and a wrong argument is answered before it.
    from seedbed.config.build import AllowList
    from seedbed.config.check import checked
    from seedbed.config.locations import users_allowed
    from seedbed.runs.directory import claim
    from seedbed.training.bounds import bounded
    from seedbed.training.plan import prepare_run
    from seedbed.training.reproduce import compared
    from seedbed.training.resume import refuse_changed_data, with_threads
    from seedbed.training.run import run
    from seedbed.views.trained import refuse_oversized

    config, allow = with_threads(checked(plain), paths), AllowList(users_allowed())
    with bounded(refuse_oversized(paths, plain, allow)):
        plan = prepare_run(config, allow)
    refuse_changed_data(plan, paths)
    with tempfile.TemporaryDirectory(prefix="seedbed-") as scratch:
        directory = claim(Path(scratch) / "run")
        run(plan, plain, directory, draw=False)
        comparison = compared(paths, directory)
    if args.json:
        told = {
            "identical": comparison.identical,
            "differences": comparison.differences,
            "environment": comparison.environment,
        }
        print(json_text(told))
    else:
        for line in comparison.environment:
            print(f"environment: {line}")
        for line in comparison.differences:
            print(f"difference: {line}")
        print("identical" if comparison.identical else "not identical")
    return DONE if comparison.identical else RUN_FAILED
