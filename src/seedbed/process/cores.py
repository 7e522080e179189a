"""The cores that this process may use."""

import math
import os

from seedbed.process.control_groups import cores_of_groups


def usable_cores() -> int:
    """Those of the machine that the system gives it; all where nobody tells.

    A container of one and a half cores has two, as two threads use them up and one does not.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, math.ceil(min(cores, cores_of_groups())))
