"""Losses that torch does not have; what a config names by `loss._target_=seedbed.losses.…`."""

from seedbed.losses.focal import FocalLoss
from seedbed.losses.poisson import PoissonLoss
from seedbed.losses.quantile import QuantileLoss

__all__ = ["FocalLoss", "PoissonLoss", "QuantileLoss"]
