"""Generators of random numbers: the global ones, seeded for a while, and those of objects."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

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


GENERATORS = (random.Random, np.random.Generator, np.random.RandomState, torch.Generator)

DEPTH = 4
"""Attributes within attributes that are looked at."""

WIDTH = 100
"""Of a list, which may be that of all rows."""


def holds_a_generator(found: Any, depth: int = DEPTH) -> bool:
    """Whether an object draws from a generator of its own, in its attributes or what these hold."""
    if isinstance(found, GENERATORS):
        return True
    if depth == 0 or isinstance(found, type):
        return False
    if isinstance(found, Mapping):
        found = [*islice(found.values(), WIDTH)]
    held = found if isinstance(found, list | tuple) else getattr(found, "__dict__", {}).values()
    return any(holds_a_generator(one, depth - 1) for one in [*islice(held, WIDTH)])
