"""Quantiles: of a target of real values, the ones below which given shares of rows lie."""

from collections.abc import Mapping, Sequence

from seedbed.config.task_names import QUANTILES
from seedbed.tasks.regression import Regression

OF_LEVELS = ("pinball", "coverage")
"""Metrics that are told the levels."""


class Quantiles(Regression):
    """Outputs are the quantiles of each target, in the form that is trained on."""

    name = QUANTILES
    losses: Mapping[str, str] = {"seedbed.losses.QuantileLoss": "loss=quantile"}
    metrics: Sequence[str] = OF_LEVELS
