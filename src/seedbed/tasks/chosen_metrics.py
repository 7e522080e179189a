"""The metrics of a run: what its task measures, or those that its config names."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from seedbed.components import AllowList
from seedbed.config.hints import joined
from seedbed.config.metric_specs import MetricSpec, metric_specs
from seedbed.config.task_names import MULTILABEL, QUANTILES
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import Attempts, ConfigError, MetricError, SeedbedError
from seedbed.raised import is_of_user, reason
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metric_values import metric_tensors
from seedbed.tasks.metrics import METRICS, SHIPPED, Metric
from seedbed.tasks.one_run_metrics import NoNumberError
from seedbed.tasks.own_metrics import own_metric
from seedbed.tasks.registry import TASKS, task_for
from seedbed.tasks.regression import Regression
from seedbed.tasks.task import Task

LEAST_ROWS = 16
"""That metrics are tried on, so that none is refused for want of rows; fewer are repeated."""

JITTER = 1e-2
"""How far outputs that are repeated are moved apart."""


def chosen_metrics(
    entries: Sequence[Any] | None,
    loss: str | None,
    allow: AllowList,
    preprocessing: Preprocessing,
    *,
    tried: bool = False,
) -> list[Metric] | None:
    """The metrics that a config names; None where it takes the task's.

    Args:
        entries: `metrics` of the config, checked.
        loss: its class; None for the task's own.
        allow: what the config may name.
        preprocessing: of the data.
        tried: whether the run was trained with them.

    Raises:
        ConfigError: if there is no such metric, or it does not fit the task.
        NotAllowedError: if one of the user's own may not be built.
    """
    if not entries:
        return None
    task = task_for(preprocessing.task, loss)
    attempts = Attempts()
    found = [
        attempts(_metric, spec, task, allow, preprocessing, tried=tried)
        for spec in metric_specs(entries)
    ]
    if attempts.errors:
        raise attempts.error()
    return [one for one in found if one is not None]


def fitting_names(task: Task) -> list[str]:
    """The metrics of Seedbed's, and those that a program registered, which a task can have."""
    names = list(task.metrics)
    if isinstance(task, Regression) and task.name not in (MULTILABEL, QUANTILES):
        names += TASKS["regression"].metrics
    return list(dict.fromkeys([*names, *(name for name in METRICS if name not in SHIPPED)]))


def _metric(
    spec: MetricSpec, task: Task, allow: AllowList, preprocessing: Preprocessing, *, tried: bool
) -> Metric:
    ours = fitting_names(task)
    if spec.name in METRICS and spec.name != spec.known_as:
        named = f"name: my_{spec.name}"
        typed = f"_target_: {spec.target}, {named}" if spec.target else spec.known_as
        typed = typed if spec.target else f"{typed}: {{{named}}}"
        raise ConfigError(
            f"{spec.where}: '{spec.name}' is a metric of Seedbed's; give this one another name: "
            f"'{{{typed}}}'"
        )
    if spec.target:
        return own_metric(spec, allow, preprocessing)
    if spec.known_as not in METRICS:
        # Imported here: few runs name one, and torchmetrics takes a second.
        from seedbed.tasks.torchmetrics_names import torchmetrics_metric

        return torchmetrics_metric(spec, task.name, preprocessing, ours, tried=tried)
    if spec.known_as not in ours:
        raise ConfigError(
            f"{spec.where}: {spec.known_as} does not fit the task {task.name}; there are "
            f"{joined(ours)}"
        )
    if spec.arguments or spec.higher_is_better is not None:
        key = next(iter(spec.arguments), "higher_is_better")
        raise ConfigError(f"no key '{spec.where}.{key}': {spec.known_as} of Seedbed's takes none")
    if spec.name != spec.known_as:
        raise ConfigError(
            f"{spec.where}.name: {spec.known_as} of Seedbed's has no other name; leave it out"
        )
    return METRICS[spec.known_as]


def try_metrics(head: TaskHead, output: Tensor, y: Tensor) -> None:
    """Measures rows before training, by the metrics that the config names.

    Args:
        head: of the run.
        output: of the model, of some rows; they are repeated for those that are measured.
        y: targets of the rows that will be measured, or of some of them.

    Raises:
        MetricError: if one raises, or gives no number; with the line of the user's own.
    """
    if head.chosen is None or not len(y):
        return
    y = y[torch.arange(max(len(y), LEAST_ROWS)) % len(y)]
    outputs = output.detach()[torch.arange(len(y)) % len(output)]
    if outputs.is_floating_point():
        apart = torch.linspace(-JITTER, JITTER, len(y), dtype=outputs.dtype)
        outputs = outputs + apart.reshape(-1, *[1] * (outputs.ndim - 1))
    predictions, targets = metric_tensors(head, outputs, y)
    for metric in head.chosen:
        if metric.name in SHIPPED:
            continue
        try:
            head.metric(metric.name, predictions, targets)
        except (Exception, SystemExit) as err:  # of any kind: the metric may be the user's
            form = getattr(metric.compute, "form", lambda *rows: rows)
            given = form(predictions[0], targets[0])
            raise MetricError(_told(metric.name, err, *given)) from err


@contextmanager
def measuring() -> Iterator[None]:
    """Tells of what metrics and losses of the user's own raise inside as an error of theirs.

    Raises:
        MetricError: with the line of the user's own.
    """
    try:
        yield
    except NoNumberError as err:
        raise MetricError(f"metrics: {err}") from err
    except (Exception, SystemExit) as err:
        if isinstance(err, SeedbedError) or not is_of_user(err):
            raise
        raise MetricError(f"to measure the rows raises {reason(err)}") from err


def _told(name: str, err: BaseException, predictions: Tensor, targets: Tensor) -> str:
    if isinstance(err, NoNumberError):
        return f"metrics: {err}"
    kinds = " and ".join(
        f"{what} {tuple(one.shape)} {str(one.dtype).removeprefix('torch.')}"
        for what, one in (("predictions", predictions), ("targets", targets))
    )
    return f"metrics: {name} raises {reason(err)}, given {kinds}"
