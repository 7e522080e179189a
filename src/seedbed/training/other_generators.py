"""Python's and NumPy's global generators, for code of the user's that draws from them."""

import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

PYTHONS, NUMPYS = "python", "numpy"
"""Their names in a checkpoint."""

LENGTHS = {PYTHONS: 626, NUMPYS: 627}
"""Numbers that each state has; all are exact in float64."""


def others_state() -> dict[str, Tensor]:
    """How both stand, as tensors."""
    _, words, gauss = random.getstate()
    numpys: Any = np.random.get_state()
    return {
        PYTHONS: torch.tensor([*words, math.nan if gauss is None else gauss], dtype=torch.float64),
        NUMPYS: torch.tensor([*numpys[1].tolist(), *numpys[2:]], dtype=torch.float64),
    }


def restore_others(
    state: Mapping[str, Tensor], pythons: Any = random, numpys: Any = np.random
) -> None:
    """Puts those back that a checkpoint holds.

    Args:
        state: by name, others beside.
        pythons: a `random.Random`, or the module for the one that all share.
        numpys: a `numpy.random.RandomState`, or likewise.

    Raises:
        OverflowError, TypeError, ValueError: if a state is none.
    """
    for name, length in LENGTHS.items():
        if name in state and (state[name].numel() != length or state[name].dim() != 1):
            raise ValueError(f"the state of {name}'s random numbers has {state[name].numel()}")
    if PYTHONS in state:
        *words, gauss = state[PYTHONS].tolist()
        pythons.setstate((3, tuple(map(int, words)), None if math.isnan(gauss) else gauss))
    if NUMPYS in state:
        *keys, place, has_gauss, gauss = state[NUMPYS].tolist()
        array = np.array(keys, dtype=np.uint32)
        numpys.set_state(("MT19937", array, int(place), int(has_gauss), gauss))
