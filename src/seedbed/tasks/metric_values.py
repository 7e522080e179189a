"""The values of a head's metrics: what they take of outputs and targets, of one run and of many."""

from collections.abc import Sequence

import torch
from torch import Tensor

from seedbed.tasks.head import TaskHead


def metrics_of(head: TaskHead, outputs: Tensor, y: Tensor) -> dict[str, float]:
    """The task's metrics over all rows of a split, NaN where one is not defined.

    Shape:
        outputs (rows, outputs), y as `Preprocessing.targets`
    """
    found = _metrics([head], outputs[None], y[None], torch.float32)
    return {name: float(value) for name, value in found.items()}


def metric_inputs(head: TaskHead, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Predictions and targets as a `Metric` takes them, but for the dimension of the runs.

    Shape:
        outputs (rows, outputs), y as `Preprocessing.targets` -> (rows, …) float64, (rows, …)
    """
    predictions, targets = _inputs([head], outputs[None], y[None], torch.float64)
    return predictions[0], targets[0]


def metric_tensors(head: TaskHead, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Predictions and targets as `TaskHead.metric` takes them of a run on its own.

    Shape:
        outputs (rows, outputs), y as `Preprocessing.targets` -> (1, rows, …), twice
    """
    return _inputs([head], outputs[None], y[None], torch.float32)


def metrics_of_runs(heads: Sequence[TaskHead], outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
    """What `metrics_of` gives, for each run of a stack.

    A run on its own has its probabilities in float32, so that its f1 and auroc carry rounding
    errors of 1e-7; these are computed in float64.

    Args:
        heads: of each run; of one task, but each with its own scale of the target.
        outputs: of all rows of a split.
        y: as `Preprocessing.targets`.

    Shape:
        outputs (runs, rows, outputs), y (runs, rows, …) -> each (runs,) float64
    """
    return _metrics(heads, outputs, y, torch.float64)


def _metrics(
    heads: Sequence[TaskHead], outputs: Tensor, y: Tensor, precision: torch.dtype
) -> dict[str, Tensor]:
    predictions, targets = _inputs(heads, outputs, y, precision)
    head = heads[0]
    return {name: head.metric(name, predictions, targets) for name in head.metric_names}


def _inputs(
    heads: Sequence[TaskHead], outputs: Tensor, y: Tensor, precision: torch.dtype
) -> tuple[Tensor, Tensor]:
    """What metrics take of each run; probabilities are computed in float32."""
    first = heads[0]
    y, _ = first.taken_apart(y)
    if first.preprocessing.classes:
        if first.weights_of_runs is not None:
            y = y % len(first.preprocessing.classes)
        predictions = first.predictions(outputs.float()).cpu().to(precision)
        return predictions, y.reshape(len(y), -1).cpu()
    pairs = [
        (head.predictions(output), head.in_target_units(own.reshape(len(own), -1)))
        for head, output, own in zip(heads, outputs, y, strict=True)
    ]
    predictions, targets = (torch.stack(values) for values in zip(*pairs, strict=True))
    return predictions, targets
