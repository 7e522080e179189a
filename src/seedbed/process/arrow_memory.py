"""Has Arrow keep the memory that it read rows into for those that it reads next.

It gives memory back to the system 10 ms after it was freed, and a stream's next rows need as much
again at once: to have it anew takes a third as long as decoding them.
"""

import os
import sys

DELAY = "MIMALLOC_PURGE_DELAY"
"""Milliseconds; -1 for never. Arrow's allocator asks the environment once, as it is loaded."""


def keep_arrow_memory() -> None:
    """Loads Arrow, unless it is loaded already; a delay that the environment has stays."""
    if "pyarrow" in sys.modules or DELAY in os.environ:
        return
    os.environ[DELAY] = "-1"
    try:
        import pyarrow  # noqa: F401
    finally:
        del os.environ[DELAY]
