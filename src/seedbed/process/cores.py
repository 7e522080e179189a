"""The cores that this process may use."""

import os


def usable_cores() -> int:
    """Those of the machine that the system gives it; all where nobody tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
