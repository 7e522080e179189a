"""What a confirmation came to: its settings then and now, and the best of them on test rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seedbed.analysis.intervals import Interval, bca_interval, mean_and_std
from seedbed.analysis.runs_compared import RunsCompared
from seedbed.api.confirming import Plan
from seedbed.api.run_comparison import RunComparison
from seedbed.runs.status import Status


@dataclass(frozen=True)
class OnTest:
    """The best setting on the test rows; the others are not looked at.

    Args:
        metric: on the test rows.
        settings: of the best, by key.
        n: runs with a value.
        without_value: its other runs.
        mean: over the runs; None where there is none.
        std: of the sample; None for fewer than two values.
        interval: of the mean; None where the values tell of no spread.
    """

    metric: str
    settings: Mapping[str, Any]
    n: int
    without_value: int
    mean: float | None
    std: float | None
    interval: Interval | None


def on_test(plan: Plan, after: RunsCompared) -> OnTest:
    """The best setting of a confirmation, on the test rows that its plan names."""
    assert after.settings is not None  # over seeds they are always ranked
    best = after.settings.settings[0]
    values = [
        run.metrics[plan.test]
        for run in after.records[best.setting]
        if run.status == Status.COMPLETED and np.isfinite(run.metrics.get(plan.test, np.nan))
    ]
    told = np.array(sorted(values))
    mean, std = mean_and_std(told) if values else (None, None)
    interval = bca_interval(told) if values else None
    label, lost = after.labels[best.setting], len(best.trials) - len(values)
    return OnTest(plan.test, label, len(values), lost, mean, std, interval)


def confirmation_rows(plan: Plan, after: RunsCompared) -> list[dict[str, Any]]:
    """The rows of the comparison, with what each setting was chosen at."""
    rows = RunComparison(after).rows
    chosen = chosen_at(plan, after)
    keys = len(after.keys)
    return [
        dict([*list(row.items())[:keys], ("chosen_at", mean), *list(row.items())[keys:]])
        for row, mean in zip(rows, chosen, strict=True)
    ]


def confirmation_json(plan: Plan, after: RunsCompared, directory: Path) -> dict[str, Any]:
    """What `seedbed compare --json` tells of the new sweep, and what it confirms.

    Args:
        plan: that was trained.
        after: what came out.
        directory: of the new sweep.
    """
    compared = RunComparison(after).to_json()
    for row, mean in zip(compared["settings"], chosen_at(plan, after), strict=True):
        row["chosen_at"] = mean
    tested = on_test(plan, after) if plan.test else None
    return {
        **compared,
        "confirms": str(plan.sweep.directory),
        "seeds": list(plan.seeds),
        "test": None if tested is None else {**vars(tested), "settings": dict(tested.settings)},
        "sweep": str(directory),
    }


def chosen_at(plan: Plan, after: RunsCompared) -> list[float | None]:
    """The mean that each setting was chosen for, in the order of what came out.

    None where the sweep does not tell what its data file held: the settings cannot be told to be
    the same then.

    Args:
        plan: that was trained.
        after: what came out.
    """
    assert after.settings is not None  # over seeds they are always ranked
    before = {one.setting: one.mean for one in plan.chosen}
    return [before.get(one.setting) for one in after.settings.settings]
