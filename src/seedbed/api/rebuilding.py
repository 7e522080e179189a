"""Builds the parts of an earlier run anew, which may be a stranger's, to train on or once more."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.components import AllowList
from seedbed.compose.composed import ComposedConfig
from seedbed.config.schema import RunConfig
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import Opening
from seedbed.runs.stored import is_stored
from seedbed.training.bounds import bounded, is_trusted
from seedbed.training.build_run import build_run
from seedbed.training.data_folder import refuse_absent_data
from seedbed.training.resume import refuse_changed_data
from seedbed.training.run_components import RunComponents
from seedbed.views.trained import refuse_oversized

if TYPE_CHECKING:
    from seedbed.training.starting_point import StartingPoint, Starts


def own_starts(config: RunConfig, paths: RunPaths) -> "Starts":
    """What a run goes on with that has a checkpoint, in place of what it started from.

    Raises:
        RunDirectoryError: if its preprocessing is damaged.
    """
    if config.init.source is None:
        return {}
    from seedbed.training.starting_point import continued

    own = continued(config.init, paths)
    return {config.identity: own} if own is not None else {}


def own_starts_of(jobs: Sequence[ComposedConfig], folders: Sequence[Path]) -> "Starts":
    """Of the jobs of a sweep that have checkpoints.

    Args:
        jobs: composed.
        folders: their run directories.
    """
    starts: dict[str, StartingPoint] = {}
    for one, folder in zip(jobs, folders, strict=True):
        paths = RunPaths(folder)
        if one.config.init.source is not None and is_stored(paths.last):
            starts |= own_starts(one.config, paths)
    return starts


def rebuilt(
    paths: RunPaths,
    resolved: dict[str, Any],
    config: RunConfig,
    allow: AllowList,
    bounds: Opening,
    *,
    goes_on: bool = False,
) -> RunComponents:
    """The parts of a run, on the data that it was trained on.

    Args:
        paths: of the run.
        resolved: its config, with where its data lies now.
        config: the same, checked.
        allow: what the reader allows.
        bounds: which end before a class of the reader's own reads the data.
        goes_on: whether a checkpoint of its own has all that it started from.

    Raises:
        SeedbedError: if the data is not there or has changed, or a part cannot be built.
    """
    refuse_absent_data(config.data, paths)
    with bounded(refuse_oversized(paths, resolved, allow)):
        if is_trusted(config):
            bounds.end()
        plan = build_run(config, allow, starts=own_starts(config, paths) if goes_on else {})
    refuse_changed_data(plan.data, paths)
    return plan
