"""What is said where a run has not the weights that are asked for, or has them untrained."""

import shlex
from contextlib import suppress
from typing import Any

from seedbed.errors import CheckpointError, RunDirectoryError
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_result
from seedbed.runs.stored import is_stored


def note_on_untrained(paths: RunPaths) -> list[str]:
    """Said of a run that ended before its first epoch did, and kept what it had: its start."""
    epochs: list[Any] = []
    with suppress(RunDirectoryError):  # a result that is damaged says nothing of the weights
        epochs = list(read_result(paths, "measured_at").values())
    if not epochs or any(epoch != 0 for epoch in epochs):
        return []
    return [f"no epoch of '{printable(str(paths.root))}' ended: its weights are those at the start"]


def refuse_unfinished(paths: RunPaths) -> None:
    """Refuses a run that was killed, and has a checkpoint all the same.

    Raises:
        CheckpointError: with what to type.
    """
    if is_stored(paths.last):
        raise CheckpointError(
            f"'{paths.root}' has no {paths.model.name}, as it did not end; predict, evaluate, "
            "inspect and plot take its last checkpoint with --checkpoint last; to go on with it, "
            f"type seedbed resume {shlex.quote(str(paths.root))}"
        )
