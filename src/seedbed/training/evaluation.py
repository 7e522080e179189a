"""The loss and the metrics over all rows of a split, which go through the model in pieces."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import torch
from torch import Tensor

from seedbed.data.batches import Batch

Value = TypeVar("Value")


def over_pieces(
    pieces: Iterable[Batch],
    outputs_of: Callable[[Tensor], Tensor],
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
