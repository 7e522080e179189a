"""The tasks there are, by name, and how a task or a metric from outside is added."""

import re
from collections.abc import Container, Sequence

from seedbed.config.task_names import MULTILABEL, QUANTILES, REGRESSION, TARGET_KINDS
from seedbed.data.preprocessing import Preprocessing
from seedbed.tasks.classes import Binary, Multiclass
from seedbed.tasks.metrics import METRICS, Metric
from seedbed.tasks.multilabel import OF_LABELS, MultiLabel
from seedbed.tasks.regression import Counts, Quantiles, Reconstruction, Regression
from seedbed.tasks.task import Task

LONGEST_LABEL = 60
"""Characters of a label in the name of a column."""

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Regression(),
        Binary(),
        Multiclass(),
        Counts(),
        Quantiles(),
        MultiLabel(),
        Reconstruction(),
    )
}


def task_for(name: str, loss: str | None) -> Task:
    """The task of a run: that of its data, or what a loss of the same targets makes of it.

    Args:
        name: of the task of the data.
        loss: its class; None for the task's own.
    """
    task = TASKS[name]
    if name == REGRESSION and loss in TASKS[QUANTILES].losses:
        return TASKS[QUANTILES]
    return task


def metric_names(
    task: Task, preprocessing: Preprocessing, chosen: Sequence[Metric] | None = None
) -> list[str]:
    """What is measured, in the order of the history's columns; of labels, each of them too.

    Args:
        task: of the run.
        preprocessing: of the data.
        chosen: metrics that the config names; None for the task's.
    """
    names = list(task.metrics) if chosen is None else [one.name for one in chosen]
    if task.name != MULTILABEL:
        return names
    labels, each = column_labels(preprocessing.output_names), [n for n in OF_LABELS if n in names]
    return [*names, *(f"{label}/{name}" for label in labels for name in each)]


def column_labels(names: Sequence[str]) -> list[str]:
    """The names of labels as parts of columns: letters, digits, `_`, `.` and `-`, all different."""
    found: list[str] = []
    for name in names:
        label = plain = re.sub(r"[^\w.-]+", "_", name)[:LONGEST_LABEL]
        number = 1
        while label in found:
            number += 1
            label = f"{plain}__{number}"
        found.append(label)
    return found


def register_task(task: Task) -> None:
    """Adds a task, which `data.task=<name>` then takes.

    Raises:
        ValueError: if there is a task of this name, or it names a metric that there is not.
    """
    _refuse_taken(task.name, TASKS, "task")
    unknown = [name for name in task.metrics if name not in METRICS]
    if unknown:
        raise ValueError(f"task '{task.name}': no metric '{unknown[0]}'; register it first")
    TASKS[task.name] = task
    TARGET_KINDS[task.name] = task.target


def register_metric(metric: Metric, *tasks: str) -> None:
    """Adds a metric, which runs of these tasks then compute as `val/<name>` and `test/<name>`.

    A config may name it for other tasks too, in `metrics`.

    Raises:
        ValueError: if there is a metric of this name, or no such task.
    """
    _refuse_taken(metric.name, {*METRICS, "loss"}, "metric")
    unknown = [name for name in tasks if name not in TASKS]
    if unknown:
        raise ValueError(
            f"metric '{metric.name}': no task '{unknown[0]}'; there are {', '.join(TASKS)}"
        )
    METRICS[metric.name] = metric
    for name in tasks:
        TASKS[name].metrics = [*TASKS[name].metrics, metric.name]


def _refuse_taken(name: str, there: Container[str], kind: str) -> None:
    if name in there:
        raise ValueError(f"there is a {kind} '{name}' already")
