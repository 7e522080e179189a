"""Losses that torch does not have; what a config names by `loss._target_=seedbed.losses.…`."""

from seedbed.losses.focal import FocalLoss

__all__ = ["FocalLoss"]
