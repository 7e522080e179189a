"""In which unit the losses of runs are: that of the loss, and of the target as it was scaled."""

from collections.abc import Sequence

from seedbed.analysis.rows import differing
from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import cells_of, settings_of

NOT_ONE_UNIT = "is not in one unit, as loss or data.standardize differs between the runs"


def differ_in_unit(records: Sequence[RunRecord], metric: str) -> bool:
    """Whether a metric is a loss whose values are in different units."""
    if not metric.endswith("/loss"):
        return False
    classes = any("val/accuracy" in run.metrics for run in records)  # they are never scaled
    return len(set(losses(records))) > 1 or (not classes and len(set(scales(records))) > 1)


def losses(records: Sequence[RunRecord]) -> list[str]:
    """Equal for runs with the same loss; begins with its class, as `Yardstick` asks."""
    decide = differing(records, lambda key: key.split(".")[0] == "loss")
    kinds = settings_of(records, "loss._target_")
    return [f"{kind} {cells}" for kind, cells in zip(kinds, cells_of(records, decide), strict=True)]


def scales(records: Sequence[RunRecord]) -> list[str]:
    """Equal for runs whose targets were scaled alike."""
    return ["standardized" if run.settings.get("data.standardize") else "own" for run in records]
