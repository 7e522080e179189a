"""The memory of this machine."""

import math
import os


def memory_bytes() -> float:
    """All of it; infinite where nobody tells."""
    return _pages("SC_PHYS_PAGES")


def free_memory_bytes() -> float:
    """What nobody uses now; infinite where nobody tells."""
    return _pages("SC_AVPHYS_PAGES")


def _pages(name: str) -> float:
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no such call
        return math.inf
