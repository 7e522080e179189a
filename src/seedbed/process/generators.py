"""The global generators of random numbers, put back to where they stood."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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
