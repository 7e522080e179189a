"""Reconstruction: the inputs are the target, as autoencoders learn them."""

from collections.abc import Sequence

from seedbed.config.task_names import RECONSTRUCTION
from seedbed.tasks.regression import Regression


class Reconstruction(Regression):
    """Outputs are the inputs of a row, one after the other, as the model takes them."""

    name = RECONSTRUCTION
    metrics: Sequence[str] = ("mse", "mae")
