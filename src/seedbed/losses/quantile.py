"""The pinball loss, whose least expectation is a quantile."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

QUANTILES = (0.1, 0.5, 0.9)


class QuantileLoss(nn.Module):
    """The mean of `q * (target - output)` where that is positive, else of `(q - 1) * …`.

    Args:
        quantiles: levels between 0 and 1, rising; the model gives one output for each, of each
            target in turn.

    Shape:
        output (batch, targets * quantiles), target (batch, targets) -> ()

    Raises:
        ValueError: if the levels are not between 0 and 1 and rising.

    Source: Koenker and Bassett, "Regression Quantiles", 1978.
    """

    def __init__(self, quantiles: Sequence[float] = QUANTILES) -> None:
        super().__init__()
        self.quantiles = [float(level) for level in quantiles]
        ordered = all(a < b for a, b in pairwise([0.0, *self.quantiles, 1.0]))
        if not self.quantiles or not ordered:
            raise ValueError(f"quantiles must rise between 0 and 1, got {list(quantiles)}")
        self.register_buffer("levels", torch.tensor(self.quantiles), persistent=False)
        self.levels: Tensor

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch."""
        loss: Tensor = pinball(output, target, self.levels).mean()
        return loss


def pinball(output: Tensor, target: Tensor, levels: Tensor) -> Tensor:
    """The loss of every output.

    Shape:
        output (…, targets * quantiles), target (…, targets), levels (quantiles,) ->
        (…, targets, quantiles)
    """
    short: Tensor = target[..., None] - output.unflatten(-1, (-1, len(levels)))
    return levels * short + torch.relu(-short)
