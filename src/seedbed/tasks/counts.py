"""Counts: the target is one number of events or several, which Poisson's distribution fits."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from seedbed.config.task_names import COUNTS
from seedbed.tasks.regression import Regression


class Counts(Regression):
    """Outputs are logarithms of rates; the rates are predicted."""

    name = COUNTS
    losses: Mapping[str, str] = {"seedbed.losses.PoissonLoss": "loss=poisson"}
    metrics: Sequence[str] = ("deviance", "mse", "mae")

    def predictions(self, outputs: Tensor, loss: str) -> Tensor:
        """The rates."""
        return outputs.exp()
