"""The focal loss: cross entropy that counts rows less the surer the model is of them."""

import torch
from torch import Tensor, nn


class FocalLoss(nn.Module):
    """The mean over rows of `-(1 - p)**gamma * log(p)`, `p` being the probability of the class.

    With `gamma=0` it is `torch.nn.CrossEntropyLoss`, weights included.

    Args:
        gamma: how much less rows count that are predicted well, >= 0.
        weight: of each class in the mean, (classes,); None counts all rows alike.

    Shape:
        output (batch, classes), target (batch,) class numbers -> ()

    Raises:
        ValueError: if gamma is negative.

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017, equations 4 and 5, for
        several classes.
    """

    def __init__(self, gamma: float = 2.0, weight: Tensor | None = None) -> None:
        super().__init__()
        if not gamma >= 0:
            raise ValueError(f"gamma must be >= 0, got {gamma}")
        self.gamma = gamma
        self.register_buffer("weight", weight)
        self.weight: Tensor | None

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch."""
        return focal_loss(output, target, self.gamma, self.weight)


def focal_loss(output: Tensor, target: Tensor, gamma: float, weight: Tensor | None) -> Tensor:
    """See `FocalLoss`; in operations that `vmap` takes as they are.

    Shape:
        output (batch, classes), target (batch,), weight (classes,) -> ()
    """
    losses = focal_losses(output, target, gamma)
    if weight is None:
        return losses.mean()
    of_rows = weight[target]
    return (losses * of_rows).sum() / of_rows.sum()


def focal_losses(output: Tensor, target: Tensor, gamma: float) -> Tensor:
    """The loss of each row, whatever its class counts.

    Shape:
        output (batch, classes), target (batch,) -> (batch,)
    """
    told = torch.log_softmax(output.t(), dim=0).gather(0, target.reshape(1, -1))[0]
    missed = (-torch.expm1(told)).clamp(min=torch.finfo(told.dtype).tiny)  # a slope, also at 0
    return -(missed**gamma) * told
