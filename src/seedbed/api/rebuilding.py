"""Builds the parts of an earlier run anew, which may be a stranger's, to train on or once more."""

from typing import Any

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import Opening
from seedbed.training.bounds import bounded, is_trusted
from seedbed.training.data_folder import refuse_absent_data
from seedbed.training.resume import refuse_changed_data
from seedbed.training.run_components import RunComponents, build_run
from seedbed.views.trained import refuse_oversized


def rebuilt(
    paths: RunPaths,
    resolved: dict[str, Any],
    config: RunConfig,
    allow: AllowList,
    bounds: Opening,
) -> RunComponents:
    """The parts of a run, on the data that it was trained on.

    Args:
        paths: of the run.
        resolved: its config, with where its data lies now.
        config: the same, checked.
        allow: what the reader allows.
        bounds: which end before a class of the reader's own reads the data.

    Raises:
        SeedbedError: if the data is not there or has changed, or a part cannot be built.
    """
    refuse_absent_data(config.data, paths)
    with bounded(refuse_oversized(paths, resolved, allow)):
        if is_trusted(config):
            bounds.end()
        plan = build_run(config, allow)
    refuse_changed_data(plan.data, paths)
    return plan
