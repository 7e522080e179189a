"""A function of the user's own as a loss: a module that keeps nothing but the function."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from seedbed.signatures import signature_of


class FunctionLoss(nn.Module):
    """Calls a function of the outputs and the targets.

    Args:
        function: gives the loss of a batch; with the arguments that it takes beside these.

    Attributes:
        reduction: that of a function with an argument of this name, as torch's losses have it;
            `sum` makes the loss of an epoch a sum over its rows.

    Shape:
        output (batch, outputs), target as the task's losses take it -> ()
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function
        reduction = signature_of(function).parameters.get("reduction")
        self.reduction = reduction.default if reduction is not None else "mean"

    def forward(self, output: Tensor, target: Tensor) -> Any:
        """What the function gives; a number in a shape of its own as a plain one."""
        loss = self.function(output, target)
        return loss.reshape(()) if isinstance(loss, Tensor) and loss.numel() == 1 else loss
