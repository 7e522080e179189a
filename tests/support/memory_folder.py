"""Whether the folders of tests can lie in a folder whose files are kept in memory."""

import os
from pathlib import Path


def suits_tests(folder: Path, wanted: int) -> bool:
    """Whether there is one with room, to write in and to load compiled code from.

    Containers often have it read-only, or without leave to run what lies there.

    Args:
        folder: that may not exist.
        wanted: free bytes.
    """
    if not os.access(folder, os.W_OK | os.X_OK):  # as where it is read-only
        return False
    told = os.statvfs(folder)
    runs_nothing = told.f_flag & getattr(os, "ST_NOEXEC", 0)
    return not runs_nothing and told.f_bavail * told.f_frsize > wanted
