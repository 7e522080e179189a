"""A batch of a stack as one run by itself computes it."""

from typing import Any

from torch import Tensor, nn

from seedbed.data.packing import Packing
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded
from seedbed.tasks.head import TaskHead
from seedbed.training.own_step import OwnStep


def single_step(
    model: nn.Module,
    head: TaskHead,
    x: Tensor,
    y: Tensor,
    packing: Packing | None = None,
    step: OwnStep | None = None,
) -> None:
    """Leaves the gradients of a batch in the parameters of one run's model.

    Shape:
        x (batch, …), y (batch, …)
    """
    if step is None:
        loss = head.loss(output_of(called_alone(model, x, packing)), y)
    else:
        loss, _ = step(model, unpacked(x, packing), y)
    loss.backward()


def unpacked(x: Tensor, packing: Packing | None) -> Any:
    """Rows of a stack as a run by itself has them."""
    return x if packing is None else packing.unpacked(x)


def called_alone(model: nn.Module, x: Tensor, packing: Packing | None) -> Any:
    """What the model of one run returns for rows of a stack.

    Shape:
        x (batch, …)
    """
    return model(x) if packing is None else forwarded(model, packing.unpacked(x))
