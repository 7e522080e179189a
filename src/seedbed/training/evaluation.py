"""The loss and the metrics over all rows of a split, which go through the model in pieces."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from seedbed.data.batches import Batch
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metrics_in_pieces import LossAndMetrics

Value = TypeVar("Value")


def over_pieces(
    pieces: Iterable[Batch],
    outputs_of: Callable[[Any], Tensor],
    loss: Callable[[Tensor, Tensor], Value],
    metrics: Callable[[Tensor, Tensor], Mapping[str, Value]],
    rows_dim: int = 0,
) -> dict[str, Value]:
    """The loss is that of all rows at once, whatever its reduction, and the pieces.

    Args:
        pieces: of the rows, with their targets.
        outputs_of: the model.
        loss: of all outputs and targets.
        metrics: likewise, by name.
        rows_dim: dimension of the rows.
    """
    outputs, targets = [], []
    with torch.no_grad():
        for x, y in pieces:
            outputs.append(outputs_of(x).clone())  # a model may use its memory again
            targets.append(y)
        output, y = torch.cat(outputs, rows_dim), torch.cat(targets, rows_dim)
        found = dict(metrics(output, y))
        return {"loss": loss(output, y), **found}  # last: it may write into what it gets


def over_stream(
    pieces: Iterable[Batch],
    outputs_of: Callable[[Any], Tensor],
    loss: Callable[[Tensor, Tensor], float],
    head: TaskHead,
) -> dict[str, float]:
    """The loss and the metrics over rows of which never more than a piece is held.

    Args:
        pieces: of the rows, with their targets.
        outputs_of: the model.
        loss: of outputs and targets.
        head: the task's.
    """
    measured = LossAndMetrics(head)
    with torch.no_grad():
        for x, y in pieces:
            output = outputs_of(x).clone()
            measured.add(output, y, loss(output.clone(), y))
    return dict(measured.values())
