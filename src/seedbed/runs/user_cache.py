"""The user's own folder of things that can be made anew, such as images and compiled libraries."""

import os
from pathlib import Path


def user_cache(*parts: str) -> Path:
    """A folder below `XDG_CACHE_HOME` or `~/.cache`, made if it is not there.

    Raises:
        OSError, RuntimeError: if it cannot be made; there may be no home.
    """
    told = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(told) if Path(told).is_absolute() else Path.home() / ".cache"
    top = root / "seedbed"
    top.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = top.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
