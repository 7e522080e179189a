"""`seedbed reproduce RUN`: runs it again elsewhere, and compares bit for bit."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.cli.arguments import Parser, say_notes
from seedbed.cli.limits import Opening, files_of, opening
from seedbed.cli.relocated import Relocation, relocated
from seedbed.errors import ArgumentError
from seedbed.process import fast_start, signals
from seedbed.process.exit_codes import DONE, RUN_FAILED, WRONG_INPUT
from seedbed.runs.code import changed_code
from seedbed.runs.files import json_text
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import open_run, read_config, read_json, read_status

NOT_COMPARED = (
    "not compared among the runs that it was trained with, bit for bit, as its sweep is not beside "
    "it; put it back into the sweep's folder"
)

if TYPE_CHECKING:
    from seedbed.components import AllowList
    from seedbed.training.reproduce import Comparison


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "reproduce",
        "Runs a finished run again from its config.yaml, in a scratch folder, and compares the "
        "loss history, the metrics and every weight, bit for bit. A run that was trained among "
        "others is trained among them again, bit for bit, and makes steps on its own from the same "
        "weights, each of which comes out alike within rounding. "
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
    with opening(args.run) as bounds:
        return _reproduce(paths, args.overrides, bounds, as_json=args.json)


def _reproduce(paths: RunPaths, overrides: Sequence[str], bounds: Opening, *, as_json: bool) -> int:
    """Opens the run, within bounds, and reruns it; the exit code."""
    plain = read_config(paths)
    relocation, others = relocated(plain, overrides)
    if others:
        raise ArgumentError(f"reproduce takes data.path=FILE alone, got '{others[0]}'")
    bounds.justified_by(files_of(plain))
    status = read_status(paths)["status"]
    if status not in ("completed", "diverged"):
        raise ArgumentError(
            f"'{paths.root}' is {status}, so there is no end to compare with; "
            f"type seedbed resume {paths.root}"
        )
    # Imported here: torch takes a second, and a wrong argument is answered before it.
    from seedbed.components import AllowList
    from seedbed.config.check import checked
    from seedbed.config.locations import users_allowed
    from seedbed.runs.checkpoint import load
    from seedbed.runs.directory import claim
    from seedbed.training.bounds import bounded, is_trusted
    from seedbed.training.data_folder import refuse_absent_data
    from seedbed.training.plan import prepare_run
    from seedbed.training.reproduce import compared
    from seedbed.training.resume import refuse_changed_data, with_threads
    from seedbed.training.run import run
    from seedbed.views.trained import refuse_oversized

    fast_start.imports_done()
    config, allow = with_threads(checked(plain), paths), AllowList(users_allowed())
    refuse_absent_data(config.data, paths)
    with bounded(refuse_oversized(paths, plain, allow)):
        if is_trusted(config):
            bounds.end()
        plan = prepare_run(config, allow)
    refuse_changed_data(plan, paths)
    say_notes(changed_code(paths))
    fused = read_json(paths.result).get("engine") == "fused"
    if paths.model.exists():
        load(paths.model)  # what it is compared with
    bounds.end()  # training takes what it takes
    with _scratch() as scratch:
        if fused:
            again = _Again(paths, allow, scratch / "stack", relocation)
            return _told(again.own, again.together, steps=again.steps, as_json=as_json)
        directory = claim(scratch / "run")
        if run(plan, plain, directory, draw=False)["status"] == "interrupted":
            raise KeyboardInterrupt
        return _told(compared(paths, directory), None, steps=None, as_json=as_json)


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


class _Again:
    """A run of a stack trained once more, and compared.

    Where its sweep is not beside it, it is trained beside itself: that is enough to see that it is
    another, and not that it is the same.
    """

    def __init__(
        self, paths: RunPaths, allow: "AllowList", scratch: Path, relocation: Relocation
    ) -> None:
        from seedbed.sweep.rerun import members, rerun_stack
        from seedbed.training.reproduce import TOLERANCE, Comparison, compared
        from seedbed.views.trained import refuse_oversized

        with opening(paths.root.resolve().parent) as bounds:  # its neighbours are strangers' too
            jobs = members(paths)
            bounds.justified_by(files_of(read_config(paths)))
            bounds.justified_by([paths.model, paths.last] * len(jobs or [paths]))
            rerun = rerun_stack(
                paths,
                jobs,
                allow,
                scratch,
                relocation,
                look=refuse_oversized,
                opened=bounds.end,
            )
        end = compared(paths, rerun.paths, 0.0 if jobs else TOLERANCE)
        self.together = end if jobs else None
        differences = [*rerun.differences, *([] if jobs else end.differences)]
        self.own = Comparison(differences, end.environment)
        self.steps = rerun.compared


def _told(
    comparison: "Comparison", together: "Comparison | None", *, steps: int | None, as_json: bool
) -> int:
    """Prints what was found; the exit code.

    A run of a stack whose sweep is not beside it is compared on its own alone: if that is alike,
    whether it is identical stays open, which is neither a success nor a difference.

    Args:
        comparison: with the run on its own.
        together: with the run among those it was trained with.
        steps: that it made on its own; None of a run that was trained alone.
        as_json: how to print.
    """
    fused = steps is not None
    differences = [*comparison.differences]
    if fused:
        differences = [f"on its own: {line}" for line in differences]
        more = together.differences if together else []
        differences += [f"among its stack: {line}" for line in more]
    is_open = fused and together is None and not differences
    identical = None if is_open else not differences
    if as_json:
        print(json_text(_as_json(comparison, together, differences, identical, steps=steps)))
    else:
        _print(comparison, together, differences, steps=steps)
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
    steps: int | None,
) -> dict[str, object]:
    told: dict[str, object] = {
        "identical": identical,
        "differences": differences,
        "environment": comparison.environment,
    }
    if steps is not None:
        told |= {
            "engine": "fused",
            "identical_in_its_stack": together.identical if together else None,
            "alike_on_its_own": comparison.identical if steps else None,
            "steps_on_its_own": steps,
        }
    return told


def _print(
    comparison: "Comparison",
    together: "Comparison | None",
    differences: list[str],
    *,
    steps: int | None,
) -> None:
    for line in comparison.environment:
        print(f"environment: {line}")
    for line in differences:
        print(f"difference: {line}")
    if steps == 0:
        print("note: not compared on its own, where it draws other random numbers")
    elif steps and comparison.identical:
        print(f"alike: run on its own, {steps} steps from the same weights, each within rounding")
    if together and together.identical:
        print("identical: trained among the same runs, bit for bit")
