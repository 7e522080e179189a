"""The global generators of random numbers, seeded for a while and put back."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from seedbed.process.generators import generators_put_back


@contextmanager
def generators_seeded(seed: int) -> Iterator[None]:
    """The generators that a user's Dataset may draw from, put back afterwards.

    Torch's is the CPU's alone: that of a GPU draws the masks of dropout.
    """
    with generators_put_back():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        yield
