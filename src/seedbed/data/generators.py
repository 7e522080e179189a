"""The global generators of random numbers, seeded for a while and put back."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def generators_seeded(seed: int) -> Iterator[None]:
    """The generators that a user's Dataset may draw from, put back afterwards.

    Torch's is the CPU's alone: that of a GPU draws the masks of dropout.
    """
    pythons, numpys = random.getstate(), np.random.get_state()
    torchs = torch.default_generator.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(pythons)
        np.random.set_state(numpys)
        torch.default_generator.set_state(torchs)
