"""The loss of counts: the negative logarithm of Poisson's probability, of the rate's logarithm."""

from torch import nn


class PoissonLoss(nn.PoissonNLLLoss):
    """`exp(output) - target * output`, the mean over rows and targets.

    What is left out depends on the targets alone.

    Shape:
        output (batch, targets) logarithms of rates, target (batch, targets) >= 0 -> ()

    Source: `torch.nn.PoissonNLLLoss`, with its defaults.
    """

    def __init__(self) -> None:
        super().__init__()
