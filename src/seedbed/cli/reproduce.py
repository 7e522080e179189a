"""`seedbed reproduce RUN`: runs it again elsewhere, and compares bit for bit."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed import signals
from seedbed.cli import collector
from seedbed.cli.arguments import Parser, say_notes
from seedbed.cli.main import DONE, RUN_FAILED, WRONG_INPUT
from seedbed.cli.relocated import Relocation, relocated
from seedbed.errors import ArgumentError
from seedbed.runs.code import changed_code
from seedbed.runs.files import json_text
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import open_run, read_config, read_json, read_status

NOT_COMPARED = (
    "not compared among the runs that it was trained with, bit for bit, as its sweep is not beside "
    "it; put it back into the sweep's folder"
)

if TYPE_CHECKING:
    from seedbed.config.build import AllowList
    from seedbed.training.reproduce import Comparison


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "reproduce",
        "Runs a finished run again from its config.yaml, in a scratch folder, and compares the "
        "loss history, the metrics and every weight, bit for bit. A run that was trained among "
        "others is run on its own, and compared to 1e-4, and among them, bit for bit. "
        "data.path=FILE says where its data lies now.",
        "seedbed reproduce outputs/sum/2026-…",
    )
    made.add_argument("run", metavar="RUN", help="a run directory")
    made.add_argument("overrides", metavar="data.path=FILE", nargs="*", help="its data, if moved")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(words: Sequence[str]) -> int:
    """Reruns and compares; the exit code."""
    args = parser().parse_intermixed_args(words)
    paths = open_run(args.run)
    plain = read_config(paths)
    relocation, others = relocated(plain, args.overrides)
    if others:
        raise ArgumentError(f"reproduce takes data.path=FILE alone, got '{others[0]}'")
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
    from seedbed.training.data_folder import refuse_absent_data
    from seedbed.training.plan import prepare_run
    from seedbed.training.reproduce import TOLERANCE, compared
    from seedbed.training.resume import refuse_changed_data, with_threads
    from seedbed.training.run import run
    from seedbed.views.trained import refuse_oversized

    collector.wake()
    config, allow = with_threads(checked(plain), paths), AllowList(users_allowed())
    refuse_absent_data(config.data, paths)
    with bounded(refuse_oversized(paths, plain, allow)):
        plan = prepare_run(config, allow)
    refuse_changed_data(plan, paths)
    say_notes(changed_code(paths))
    fused = read_json(paths.result).get("engine") == "fused"
    with _scratch() as scratch:
        directory = claim(scratch / "run")
        if run(plan, plain, directory, draw=False)["status"] == "interrupted":
            raise KeyboardInterrupt
        comparison = compared(paths, directory, TOLERANCE if fused else 0.0)
        together = _together(paths, allow, scratch / "stack", relocation) if fused else None
    return _told(comparison, together, fused=fused, as_json=args.json)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder that goes, whatever ends the command."""
    with ExitStack() as stack:
        with signals.held():
            name = tempfile.mkdtemp(prefix="seedbed-")
            stack.enter_context(signals.done_at_end(lambda: _removed(name)))
        stack.callback(_removed, name)
        yield Path(name)


def _removed(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _together(
    paths: RunPaths, allow: "AllowList", scratch: Path, relocation: Relocation
) -> "Comparison | None":
    """The comparison with the run trained once more among those it was trained with."""
    from seedbed.sweep.rerun import members, rerun_stack
    from seedbed.training.reproduce import compared

    jobs = members(paths)
    return compared(paths, rerun_stack(paths, jobs, allow, scratch, relocation)) if jobs else None


def _told(
    comparison: "Comparison", together: "Comparison | None", *, fused: bool, as_json: bool
) -> int:
    """Prints what was found; the exit code.

    A run of a stack whose sweep is not beside it is compared on its own alone: if that is alike,
    whether it is identical stays open, which is neither a success nor a difference.
    """
    differences = [*comparison.differences]
    if fused:
        differences = [f"on its own: {line}" for line in differences]
        more = together.differences if together else []
        differences += [f"among its stack: {line}" for line in more]
    is_open = fused and together is None and not differences
    identical = None if is_open else not differences
    if as_json:
        print(json_text(_as_json(comparison, together, differences, identical, fused=fused)))
    else:
        _print(comparison, together, differences, fused=fused)
        if identical is not None:
            print("identical" if identical else "not identical")
    if is_open:
        print(f"error: {NOT_COMPARED}", file=sys.stderr)
        return WRONG_INPUT
    return DONE if identical else RUN_FAILED


def _as_json(
    comparison: "Comparison",
    together: "Comparison | None",
    differences: list[str],
    identical: bool | None,
    *,
    fused: bool,
) -> dict[str, object]:
    told: dict[str, object] = {
        "identical": identical,
        "differences": differences,
        "environment": comparison.environment,
    }
    if fused:
        told |= {
            "engine": "fused",
            "identical_in_its_stack": together.identical if together else None,
            "alike_on_its_own": comparison.identical,
        }
    return told


def _print(
    comparison: "Comparison",
    together: "Comparison | None",
    differences: list[str],
    *,
    fused: bool,
) -> None:
    for line in comparison.environment:
        print(f"environment: {line}")
    for line in differences:
        print(f"difference: {line}")
    if fused and comparison.identical:
        print("alike: run on its own, within 1e-4 of the run, which was trained among others")
    if fused and together and together.identical:
        print("identical: trained among the same runs, bit for bit")
