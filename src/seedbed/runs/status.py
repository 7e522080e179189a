"""How a run stands: the words of `status.json`, `result.json` and `sweep.json`."""

from enum import StrEnum


class Status(StrEnum):
    """Of a run, or of a job of a sweep; equal to its text."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"
    PRUNED = "pruned"


GONE = "its process has gone"
"""Why a run was interrupted whose status says that it is running."""
