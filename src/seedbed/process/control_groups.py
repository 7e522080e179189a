"""What Linux's control groups leave a process of the machine's cores and memory.

Containers and clusters limit both by them, and neither affinity nor `/proc/meminfo` knows of it. A
group's limit holds for all that is below it, so the least on the way up counts. Source: cgroups(7),
and the kernel's cgroup-v1 and cgroup-v2 documents.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

PROCESS = Path("/proc/self")
"""Where the system tells of this process."""


class _Group(NamedTuple):
    folder: Path
    version: int


def cores_of_groups(process: Path = PROCESS) -> float:
    """Cores for as long as they are busy; infinite where no group limits them.

    Args:
        process: where the system tells of it.
    """
    return min((_cores(group) for group in _groups("cpu", process)), default=math.inf)


def bytes_of_groups(process: Path = PROCESS) -> float:
    """Memory in all; infinite where no group limits it.

    Args:
        process: where the system tells of it.
    """
    return min((_bytes(group) for group in _groups("memory", process)), default=math.inf)


def free_bytes_of_groups(process: Path = PROCESS) -> float:
    """Memory that is left, kept copies of files among it; infinite where no group limits it.

    Args:
        process: where the system tells of it.
    """
    return min((_free_bytes(group) for group in _groups("memory", process)), default=math.inf)


def _cores(group: _Group) -> float:
    with suppress(OSError, ValueError, IndexError, ZeroDivisionError):
        if group.version == 1:
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            quota, period = (int((group.folder / name).read_text()) for name in names)
        else:
            words = (group.folder / "cpu.max").read_text().split()
            quota, period = -1 if words[0] == "max" else int(words[0]), int(words[1])
        if quota > 0:
            return quota / period
    return math.inf


def _bytes(group: _Group) -> float:
    name = "memory.limit_in_bytes" if group.version == 1 else "memory.max"
    with suppress(OSError, ValueError):
        return float((group.folder / name).read_text().replace("max", "inf"))
    return math.inf


def _free_bytes(group: _Group) -> float:
    """Its limit less what is used; files that nobody reads any more are dropped when need be."""
    first = group.version == 1
    used = "memory.usage_in_bytes" if first else "memory.current"
    with suppress(OSError, ValueError, KeyError):
        lines = (group.folder / "memory.stat").read_text().splitlines()
        files = dict(line.split(" ", 1) for line in lines)
        dropped = int(files["total_inactive_file" if first else "inactive_file"])
        return max(0.0, _bytes(group) - int((group.folder / used).read_text()) + dropped)
    return math.inf


def _groups(controller: str, process: Path) -> Iterator[_Group]:
    """The process's group of a controller, and those above it."""
    with suppress(OSError, ValueError):
        paths = _paths(controller, process)
        for line in (process / "mountinfo").read_text().splitlines():
            told, _, kind = line.partition(" - ")
            root, folder = map(_unescaped, told.split()[3:5])
            system, _, options = kind.split()[:3]
            version = {"cgroup": 1, "cgroup2": 2}.get(system, 0)
            if version in paths and (version == 2 or controller in options.split(",")):
                below = PurePosixPath(paths[version])
                inside = below.relative_to(root) if below.is_relative_to(root) else PurePosixPath()
                for part in (inside, *inside.parents):
                    yield _Group(Path(folder) / part, version)


def _paths(controller: str, process: Path) -> dict[int, str]:
    """By version of control groups, where the process is in those with the controller."""
    found = {}
    for line in (process / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found[2] = path
        elif controller in controllers.split(","):
            found[1] = path
    return found


def _unescaped(path: str) -> str:
    """A path of `mountinfo`, which writes blanks as octal numbers."""
    return path.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
