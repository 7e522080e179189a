"""Optimizers that torch does not have, as `optimizer._target_` names them; groups of parameters."""

from seedbed.optimizers.lion import Lion

__all__ = ["Lion"]
