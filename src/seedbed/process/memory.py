"""The memory of this machine, and what of it this process has and could have."""

import math
import os
import sys
from contextlib import suppress

from seedbed.process.control_groups import bytes_of_groups, free_bytes_of_groups

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def memory_bytes() -> float:
    """All that this process could ever have; infinite where nobody tells."""
    return min(_pages("SC_PHYS_PAGES"), bytes_of_groups())


def free_memory_bytes() -> float:
    """What a new process could have, kept copies of files among it; infinite where nobody tells."""
    return min(_free_bytes_of_the_machine(), free_bytes_of_groups())


def resident_bytes() -> int:
    """What this process has now, or had at most where that is not told; 0 if nothing is."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - often asked
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        if resource is None:
            return 0
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _free_bytes_of_the_machine() -> float:
    with suppress(OSError, ValueError), open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123
        lines = dict(line.split(":", 1) for line in file)
        return 1024.0 * int(lines["MemAvailable"].split()[0])
    return _pages("SC_AVPHYS_PAGES")


def _pages(name: str) -> float:
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no such call
        return math.inf
