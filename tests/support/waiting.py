"""Waits for what another process does."""

import time
from collections.abc import Callable


def wait_for(found: Callable[[], object], seconds: float = 100) -> None:
    """Looks until it is so, and fails where it does not come to that."""
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.05)
