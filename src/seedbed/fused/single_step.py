"""A batch of a stack as one run by itself computes it."""

from typing import Any

from torch import Tensor, nn

from seedbed.data.packing import Packing
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded
from seedbed.training.run_components import RunComponents


def single_step(first: RunComponents, model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Leaves the gradients of a batch in the parameters of one run's model.

    Args:
        first: a run of the same loss, and the same step of the user's own.
        model: of the run.
        x: inputs, as a stack has them.
        y: targets.

    Shape:
        x (batch, …), y (batch, …)
    """
    packing = first.data.packing
    if first.step is None:
        loss = first.head.loss(output_of(called_alone(model, x, packing)), y)
    else:
        loss, _ = first.step(model, unpacked(x, packing), y)
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
