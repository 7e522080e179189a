"""Which thread goes first where there are more of them than cores."""

import contextlib
import os
import sys
import threading

from seedbed.process import fast_start

BEHIND = 5
"""Added to the niceness: a third of the time of a thread that does not give way."""


def give_way_to_others() -> None:
    """From now on this thread waits for those of its process that have work too.

    What is read ahead is needed later than what trains on rows that are there. Linux alone has a
    niceness of each thread; elsewhere nothing happens, nor with SEEDBED_FAST_START=0.
    """
    if sys.platform != "linux" or not fast_start.is_wanted():
        return
    own = threading.get_native_id()
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + BEHIND)
