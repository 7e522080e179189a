"""A run, and the directory that is made for it."""

from dataclasses import dataclass
from typing import Any

from seedbed.config.schema import RunConfig
from seedbed.data.prepared import PreparedData
from seedbed.runs.directory import RunDirectory


@dataclass
class RecordedRun:
    """A run, and its directory.

    Args:
        config: of the run.
        directory: claimed for it; released at its end.
        data: its preparation.
        draw: whether to leave `loss.png`.
        has_last: whether there is a checkpoint.
        saved_best: epoch of the best checkpoint on the disk; None if there is none.
        result: content of `result.json`, at its end.
    """

    config: RunConfig
    directory: RunDirectory
    data: PreparedData
    draw: bool = False
    has_last: bool = False
    saved_best: int | None = None
    result: dict[str, Any] | None = None
