"""The memory of this machine, and what of it this process could have."""

import math
import os
from contextlib import suppress

from seedbed.process.control_groups import bytes_of_groups, free_bytes_of_groups


def memory_bytes() -> float:
    """All that this process could ever have; infinite where nobody tells."""
    return min(_pages("SC_PHYS_PAGES"), bytes_of_groups())


def free_memory_bytes() -> float:
    """What a new process could have, kept copies of files among it; infinite where nobody tells."""
    return min(_free_bytes_of_the_machine(), free_bytes_of_groups())


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
