"""The tasks there are, by name, and how a task or a metric from outside is added."""

from collections.abc import Container

from seedbed.config.task_names import TARGET_KINDS
from seedbed.tasks.binary import Binary
from seedbed.tasks.metrics import METRICS, Metric
from seedbed.tasks.multiclass import Multiclass
from seedbed.tasks.regression import Regression
from seedbed.tasks.task import Task

TASKS: dict[str, Task] = {task.name: task for task in (Regression(), Binary(), Multiclass())}


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
