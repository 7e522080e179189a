"""How long a run's last state is tried to be written to its URL, and what is told at last."""

import os
from contextlib import suppress
from pathlib import Path

from seedbed.remote.urls import Url

END_SECONDS = 60.0
"""How long that is."""

END_VARIABLE = "SEEDBED_UPLOAD_SECONDS"
"""What the user sets in its place."""


def end_seconds() -> float:
    """For which the last state is tried to be written."""
    with suppress(ValueError):
        return float(os.environ.get(END_VARIABLE, END_SECONDS))
    return END_SECONDS


def unwritten(why: str, folder: Path, url: Url) -> str:
    """What is told of a last state that a store did not take."""
    return (
        f"{why}: the last state was not written there; it lies in '{folder}': type "
        f"seedbed resume '{url}' here to have it written"
    )
