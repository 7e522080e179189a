"""Which files of a run or a sweep lie at a URL, and in which order they are written and read there.

The order makes a half-made run unseen: how a run stands is written last and read first, so whoever
reads that a run has completed finds all of it.
"""

import re

from seedbed.runs import keepsake
from seedbed.runs.files import UNPRINTABLE
from seedbed.runs.layout import (
    EVENT_PREFIX,
    SWEEP_CONFIG,
    SWEEP_JOBS,
    SWEEP_START,
    SWEEP_TABLE,
    is_run_file,
)
from seedbed.runs.pack import is_pack_name

WRITERS = ".seedbed_writer"
"""Folder of the marks of those that write a run or a sweep; one object each."""

OF_SWEEPS = (SWEEP_CONFIG, SWEEP_JOBS, SWEEP_START, SWEEP_TABLE)

STAYS = {keepsake.FOLDER, keepsake.UNFINISHED}
"""Folders of what a run was before it is made longer. They go again when that has ended, and would
have made an earlier run of it where one of them had been left."""

LATE = ("last.pt", "model.pth", "result.json", "status.json", SWEEP_TABLE, SWEEP_JOBS)
"""In the order in which they are written, after all others."""

HEAVY = re.compile(r".*\.(pt|pth|png)|" + re.escape(EVENT_PREFIX) + r"\..*", re.DOTALL)
"""What tables and comparisons of runs do not read."""


def is_ours(name: str) -> bool:
    """Whether a run or a sweep has such a file, at any depth; no other is brought or written.

    What a run was before it is made longer stays on the machine that does so.

    Args:
        name: from the folder that was named, with `/`; it may be a stranger's.
    """
    parts = name.split("/")
    odd = ("", ".", "..")
    if any(one in odd or "\\" in one or UNPRINTABLE.search(one) or len(one.encode()) > 255
           for one in parts):  # fmt: skip
        return False
    if not STAYS.isdisjoint(parts):
        return False
    last = parts[-1]
    return (
        is_run_file(last)
        or is_run_file("/".join(parts[-2:]))
        or last in OF_SWEEPS
        or is_pack_name(last)
    )


def rank(name: str) -> int:
    """Its place in the order of writing; the least is first."""
    last = name.rpartition("/")[2]
    return LATE.index(last) + 1 if last in LATE else 0


def is_heavy(name: str) -> bool:
    """Whether only commands that open a single run need it."""
    return HEAVY.fullmatch(name.rpartition("/")[2]) is not None
