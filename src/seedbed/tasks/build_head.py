"""Builds what stands behind a model's outputs, from the loss of a config and the data's task."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from seedbed.components import AllowList
from seedbed.config.target_keys import is_balanced
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import ConfigError
from seedbed.losses.of_rows import has_losses_of_rows
from seedbed.tasks.built_loss import listed_loss, users_loss
from seedbed.tasks.head import TaskHead
from seedbed.tasks.registry import TASKS, task_for
from seedbed.tasks.task import Task


def build_task_head(
    spec: Mapping[str, Any],
    allow: AllowList,
    preprocessing: Preprocessing,
    *,
    has_own_step: bool = False,
) -> TaskHead:
    """The loss of a config with the task of the data; `loss=auto` takes the task's.

    Args:
        spec: `loss` of the config.
        allow: what it may name.
        preprocessing: of the data.
        has_own_step: whether a step of the user's own makes the loss of a batch.

    Raises:
        ConfigError: if the loss does not fit the task.
        NotAllowedError: if its class may not be built.
    """
    task = task_for(preprocessing.task, spec["_target_"])
    name = str(spec["_target_"] or next(iter(task.losses)))
    if name not in task.losses and name in _listed_losses():
        raise ConfigError(_misfit(task, name, preprocessing))
    spec = {**spec, "_target_": name}
    listed = name in _listed_losses()
    loss = listed_loss(spec, allow, preprocessing) if listed else users_loss(spec, allow)
    if preprocessing.weight is not None and not has_losses_of_rows(loss):
        raise ConfigError(
            f"data.weight={preprocessing.weight}: {name} gives the loss of a batch, and rows are "
            f"weighed by the loss of each; type {next(iter(task.losses.values()))}, or "
            "data.weight=null"
        )
    return TaskHead(name, loss, preprocessing, is_balanced(spec), has_own_step=has_own_step)


def rebuilt_head(
    head: TaskHead,
    spec: Mapping[str, Any],
    allow: AllowList,
    preprocessing: Preprocessing,
) -> TaskHead:
    """A head that measures as another does, with a loss of its own.

    Args:
        head: the other.
        spec: `loss` of the config.
        allow: what it may name.
        preprocessing: of its data.

    Raises:
        ConfigError, NotAllowedError: see `build_task_head`.
    """
    own = build_task_head(spec, allow, preprocessing, has_own_step=head.has_own_step)
    return replace(own, has_metrics=head.has_metrics, chosen=head.chosen)


def _listed_losses() -> dict[str, str]:
    """The classes of all tasks, with what to type for each."""
    return {name: typed for task in TASKS.values() for name, typed in task.losses.items()}


def _misfit(task: Task, loss: str, preprocessing: Preprocessing) -> str:
    classes = len(preprocessing.classes)
    kind = f"one of {classes} classes" if classes else f"real-valued (task {task.name})"
    same = [o.name for o in TASKS.values() if loss in o.losses and o.target == task.target]
    other = (
        f"; if its values are {same[0]}, type data.task={same[0]}"
        if same
        else "; if its values are quantities, type data.task=regression"
        if classes
        else "; if its values are classes, type data.task=multiclass"
    )
    fits = next(iter(task.losses.values()))
    target = preprocessing.target[0]
    return (
        f"{_listed_losses()[loss]} does not fit the target '{target}', which is {kind}; "
        f"type {fits}{other}"
    )
