"""What is said where the monitored value is no number, so that no epoch can be called the best."""

import math
from collections.abc import Mapping

import numpy as np

from seedbed.training.arrays import Column
from seedbed.training.progress import Progress

REASONS = {
    "auroc": "it takes rows of every class, and the validation rows lack one",
    "r2": "it takes validation rows whose targets differ",
}
"""Why a metric is NaN for ever; any other value comes from the model's outputs."""


def note_undefined(progress: Progress, row: Mapping[str, Column]) -> str | None:
    """What to say of runs whose monitored value is no number, for the first time in each.

    Args:
        progress: of the runs; keeps what was said of each.
        row: of the epoch just closed, by column.
    """
    name = progress.best.monitor.name
    finite = np.isfinite(row[name])
    if finite.all():
        return None
    runs = progress.runs
    slots = [
        slot
        for slot in (~finite).nonzero()[0].tolist()
        if slot < progress.num_active
        and runs[slot] not in progress.diverged
        and runs[slot] not in progress.undefined
    ]
    for slot in slots:
        own = {column: float(values[slot]) for column, values in row.items()}
        from_start = not progress.best.epoch[slot]
        note = undefined_note(name, {**own, "epoch": progress.epoch}, from_start=from_start)
        progress.undefined[runs[slot]] = note
    if not slots:
        return None
    note = progress.undefined[runs[slots[0]]]
    count = f"{len(slots)} of {progress.num_active} runs: "
    return note if progress.num_runs == 1 else f"{count}{note}"


def undefined_note(monitor: str, row: Mapping[str, float], *, from_start: bool) -> str:
    """A line about an epoch whose monitored value is NaN or infinite.

    Args:
        monitor: column of the history.
        row: of the epoch.
        from_start: whether no epoch before had a number either.
    """
    value = row[monitor]
    name = monitor.rpartition("/")[2]
    why = f" ({REASONS[name]})" if math.isnan(value) and name in REASONS else ""
    said = f"{monitor} is {value} after epoch {int(row['epoch'])}{why}: "
    if not from_start:
        return f"{said}the epoch is not called the best, and early stopping counts it as no better"
    return (
        f"{said}while that lasts no epoch is called the best, the plateau schedule does not move, "
        "early stopping counts each epoch as no better, and model.pth is the last epoch's; "
        f"{_instead(monitor, row)}"
    )


def _instead(monitor: str, row: Mapping[str, float]) -> str:
    """What to watch: columns that are numbers, of the same rows first."""
    numbers = [n for n, v in row.items() if "/" in n and n != monitor and math.isfinite(v)]
    numbers.sort(key=lambda name: name.partition("/")[0] != monitor.partition("/")[0])
    if not numbers:
        return "type a smaller optimizer.lr"
    others = f" (or {', '.join(numbers[1:3])})" if numbers[1:] else ""
    return f"type trainer.monitor={numbers[0]}{others}"
