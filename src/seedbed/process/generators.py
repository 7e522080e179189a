"""The global generators of random numbers, put back to where they stood."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def seed_torch(seed: int) -> None:
    """As `torch.manual_seed`, which notes the stack of calls for all devices that are not there."""
    torch: Any = sys.modules["torch"]
    there = torch.accelerator.is_available()
    (torch.manual_seed if there else torch.default_generator.manual_seed)(seed)


@contextmanager
def generators_put_back(*, torchs: bool = True) -> Iterator[None]:
    """Python's generator, and NumPy's and torch's where they are imported already.

    Args:
        torchs: whether torch's too; the CPU's alone.
    """
    numpy: Any = sys.modules.get("numpy")
    torch: Any = sys.modules.get("torch") if torchs else None
    state = random.getstate()
    numpys_state = numpy.random.get_state() if numpy else None
    torchs_state = torch.get_rng_state() if torch else None
    try:
        yield
    finally:
        random.setstate(state)
        if numpys_state is not None:
            numpy.random.set_state(numpys_state)
        if torchs_state is not None:
            torch.set_rng_state(torchs_state)


@contextmanager
def devices_generators_put_back() -> Iterator[None]:
    """As `generators_put_back`, and those of the CUDA devices that are in use."""
    torch: Any = sys.modules.get("torch")
    cuda = torch is not None and torch.cuda.is_initialized()
    states = torch.cuda.get_rng_state_all() if cuda else None
    with generators_put_back():
        try:
            yield
        finally:
            if states is not None:
                torch.cuda.set_rng_state_all(states)
