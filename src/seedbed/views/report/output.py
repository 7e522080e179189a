"""Where a page goes: into the one folder that is named, and never over a file that is not ours."""

import os
from collections.abc import Sequence
from pathlib import Path

from seedbed.errors import ArgumentError, RunDirectoryError
from seedbed.runs.files import open_plain, printable
from seedbed.runs.layout import REPORT
from seedbed.views.report.page import GENERATOR

ENDINGS = (".html", ".htm")

LOOKED_AT = 1024
"""Bytes at the beginning of a file."""


def page_path(output: Path | None, folders: Sequence[str]) -> Path:
    """Where the page is written to.

    Args:
        output: what the reader names; None for `report.html` in the only folder.
        folders: of runs, that the page is of.

    Raises:
        ArgumentError: if that is not told, or a file is there that no report is.
    """
    if output is None and len(folders) > 1:
        raise ArgumentError("report: several folders need a file to go to; type --output runs.html")
    path = Path(folders[0]) / REPORT if output is None else output
    if path.suffix.lower() not in ENDINGS:
        raise ArgumentError(f"--output: '{path}' must end in .html")
    refuse_others(path)
    return path


def refuse_others(path: Path) -> None:
    """Refuses to replace a file that no report of ours is.

    Raises:
        ArgumentError: naming it.
    """
    if not os.path.lexists(path):
        return
    try:
        with open_plain(path) as file:
            ours = GENERATOR.encode() in file.read(LOOKED_AT)
    except (OSError, RunDirectoryError):
        ours = False
    if not ours:
        raise ArgumentError(
            f"'{printable(str(path))}' is there and is no report of Seedbed's; "
            "take it away, or name another file with --output"
        )
