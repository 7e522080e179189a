"""Runs a finished run again in a scratch folder, and compares bit for bit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.api.following import refuse_torchrun
from seedbed.errors import ArgumentError
from seedbed.process import fast_start
from seedbed.process.scratch import scratch_folder
from seedbed.runs.code import changed_code
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import Opening, files_of, opening
from seedbed.runs.reader import read_config, read_json, read_status
from seedbed.runs.relocation import Relocation, relocated
from seedbed.runs.status import Status

if TYPE_CHECKING:
    from seedbed.components import AllowList
    from seedbed.training.run_components import RunComponents

OF_STACKS = ("engine", "identical_in_its_stack", "alike_on_its_own", "steps_on_its_own")
"""What a `Comparison` tells of runs of a stack alone."""

NO_SWEEP = (
    "not compared among the runs that it was trained with, bit for bit, as its sweep is not beside "
    "it, or lacks a run of its stack; put it back into the sweep's folder"
)
MADE_LONGER = (
    "not compared bit for bit, as it was trained among other runs first and then made longer on "
    "its own; a run that was not made longer can be"
)

OTHER_RANKS = (
    "not compared bit for bit, as the run went on with another number of ranks, which round and "
    "draw otherwise; its rerun "
)


@dataclass(frozen=True)
class Comparison:
    """What a run and its rerun have in common, and not; true if they are identical.

    Args:
        identical: whether every number of the history, the metrics and the weights is the same, to
            the bit. None of a run of a stack whose sweep is not beside it: it can only be seen to
            be another there, and not to be the same.
        differences: a line for each; empty if there are none.
        environment: what both were made with, where that differs.
        engine: single or fused.
        identical_in_its_stack: of a run of a stack, trained among the same runs again; None if
            those are not there.
        alike_on_its_own: of a run of a stack, whether the steps that it made on its own came out
            alike within rounding; None if there were none.
        steps_on_its_own: how many those are.
        not_compared: why it was not trained among the same runs again; empty if it was.
    """

    identical: bool | None
    differences: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    engine: str = "single"
    identical_in_its_stack: bool | None = None
    alike_on_its_own: bool | None = None
    steps_on_its_own: int = 0
    not_compared: str = ""

    def __bool__(self) -> bool:
        return self.identical is True

    def to_json(self) -> dict[str, Any]:
        """Plain containers."""
        whole = dict(vars(self))
        if not self.not_compared:
            del whole["not_compared"]
        if self.engine == "single":
            return {key: value for key, value in whole.items() if key not in OF_STACKS}
        return whole


def reproduce_run(
    paths: RunPaths, overrides: Sequence[str], note: Callable[[str], object]
) -> Comparison:
    """Trains a run once more, and compares.

    Args:
        paths: of the run, which may be a stranger's.
        overrides: where its data lies now.
        note: hears what a person should know.

    Raises:
        SeedbedError: if the run has not ended, is damaged, or is of other data.
        KeyboardInterrupt: if the user stopped it.
    """
    refuse_torchrun("reproduce")
    with opening(paths.root) as bounds:
        resolved = read_config(paths)
        relocation, others = relocated(resolved, overrides)
        if others:
            raise ArgumentError(f"reproduce takes data.path=FILE alone, got '{others[0]}'")
        bounds.justified_by(files_of(resolved))
        status = read_status(paths)["status"]
        if status not in (Status.COMPLETED, Status.DIVERGED):
            raise ArgumentError(
                f"'{paths.root}' is {status}, so there is no end to compare with; "
                f"type seedbed resume {paths.root}"
            )
        plan, allow = _opened(paths, resolved, bounds)
        for text in changed_code(paths):
            note(text)
        fused = read_json(paths.result).get("engine") == "fused"
        bounds.end()  # training takes what it takes
        with scratch_folder() as scratch:
            if fused:
                return _among_its_stack(paths, allow, scratch / "stack", relocation)
            return _alone(paths, plan, scratch / "run")


def _opened(
    paths: RunPaths, resolved: dict[str, Any], bounds: Opening
) -> "tuple[RunComponents, AllowList]":
    """Reads and builds all that a rerun needs, within bounds."""
    # Imported here: torch takes a second, and a wrong argument is answered before it.
    from seedbed.api.rebuilding import rebuilt
    from seedbed.components import AllowList
    from seedbed.config.check import checked
    from seedbed.config.locations import users_allowed
    from seedbed.recording.run import run  # noqa: F401 - while the collector rests
    from seedbed.runs.checkpoint import load
    from seedbed.training.resume import with_ranks, with_threads
    from seedbed.training.run_length import as_it_ended

    fast_start.imports_done()
    config = with_ranks(with_threads(checked(resolved), paths), paths)
    allow = AllowList(users_allowed())
    config = as_it_ended(config, read_json(paths.result))
    plan = rebuilt(paths, resolved, config, allow, bounds)
    if paths.model.exists():
        load(paths.model)  # what it is compared with
    return plan, allow


def _alone(paths: RunPaths, plan: "RunComponents", scratch: Path) -> Comparison:
    """Of a run that was trained on its own."""
    from seedbed.recording.run import run
    from seedbed.runs.directory import claim
    from seedbed.training.reproduce import TOLERANCES, compared

    directory = claim(scratch)
    if run(plan, directory, draw=False)["status"] == Status.INTERRUPTED:
        raise KeyboardInterrupt
    other_ranks = read_json(paths.environment).get("ranks_before")
    tolerance = TOLERANCES[plan.config.trainer.precision] if other_ranks else 0.0
    comparison = compared(paths, directory, tolerance)
    how = "agrees within rounding" if comparison.identical else "does not agree within rounding"
    return Comparison(
        None if other_ranks else comparison.identical,
        comparison.differences,
        comparison.environment,
        not_compared=f"{OTHER_RANKS}{how}" if other_ranks else "",
    )


def _among_its_stack(
    paths: RunPaths, allow: "AllowList", scratch: Path, relocation: Relocation
) -> Comparison:
    """Of a run of a stack, trained among the same runs again, and on its own step by step.

    Where its sweep is not beside it, it is trained beside itself: that is enough to see that it is
    another, and not that it is the same.
    """
    from seedbed.sweep.rerun import members, rerun_stack
    from seedbed.training.reproduce import TOLERANCES, compared
    from seedbed.views.trained import refuse_oversized

    with opening(paths.root.resolve().parent) as bounds:  # its neighbours are strangers' too
        jobs = members(paths)
        bounds.justified_by(files_of(read_config(paths)))
        bounds.justified_by([paths.model, paths.last] * len(jobs or [paths]))
        rerun = rerun_stack(
            paths, jobs, allow, scratch, relocation, look=refuse_oversized, opened=bounds.end
        )
    tolerance = 0.0 if jobs else TOLERANCES[read_config(paths)["trainer"]["precision"]]
    end = compared(paths, rerun.paths, tolerance)
    own = [*rerun.differences, *([] if jobs else end.differences)]
    among = end.differences if jobs else []
    differences = [f"on its own: {line}" for line in own]
    differences += [f"among its stack: {line}" for line in among]
    not_compared = ""
    if not jobs:
        not_compared = NO_SWEEP if "group" in read_json(paths.result) else MADE_LONGER
    return Comparison(
        None if not jobs and not differences else not differences,
        differences,
        end.environment,
        "fused",
        end.identical if jobs else None,
        not own if rerun.compared else None,
        rerun.compared,
        not_compared,
    )
