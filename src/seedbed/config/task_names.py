"""The tasks that `data.task` can name, and what each takes as its target.

Tensors are not needed to check a config or to read data, so the names stand here; what a task
computes is in `seedbed.tasks`, whose registry adds to them.
"""

from typing import Literal, NewType

TargetKind = Literal["real values", "classes"]

TaskName = NewType("TaskName", str)
"""A key of `TARGET_KINDS`; in a config also `auto`."""

AUTO = TaskName("auto")
REGRESSION, BINARY, MULTICLASS = map(TaskName, ("regression", "binary", "multiclass"))
COUNTS, QUANTILES, MULTILABEL = map(TaskName, ("counts", "quantiles", "multilabel"))
RECONSTRUCTION = TaskName("reconstruction")

TARGET_KINDS: dict[str, TargetKind] = {
    REGRESSION: "real values",
    BINARY: "classes",
    MULTICLASS: "classes",
    COUNTS: "real values",
    QUANTILES: "real values",
    MULTILABEL: "real values",
    RECONSTRUCTION: "real values",
}

NEVER_SCALED = (COUNTS, MULTILABEL)
"""Tasks whose targets mean something in their own unit alone; `data.standardize` leaves them."""


def takes_real_values(task: str) -> bool:
    """Whether the target of this task is real values; False for `auto` and for classes."""
    return TARGET_KINDS.get(task) == "real values"
