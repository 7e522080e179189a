"""What a job of a sweep came to, and its settings, as its list of jobs tells them."""

import math
from collections.abc import Mapping, Sequence

from seedbed.runs.status import Status
from seedbed.sweep.outcome import JobState


def value_of(job: JobState, metric: str) -> float | None:
    """The metric of a job that completed; None where it has none or is not defined."""
    value = (job.metrics or {}).get(metric) if job.status == Status.COMPLETED else None
    return value if value is not None and math.isfinite(value) else None


def typed_settings(job: JobState) -> dict[str, str]:
    """Overrides by key; of a key that is typed twice the last counts, as it does for Hydra."""
    return {key.lstrip("+"): value for key, _, value in (w.partition("=") for w in job.overrides)}


def setting_text(typed: str) -> str:
    """A setting as typed, but a large number as it is read best: `1e+06`, not `1000000.0`.

    Args:
        typed: of an override; one of more digits than are written stays as it is.
    """
    try:
        value = float(typed)
    except ValueError:
        return typed
    short = f"{value:.5g}"
    is_written_by_us = repr(value) == typed
    return short if is_written_by_us and "e" in short and float(short) == value else typed


def differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """Keys that do not have one value in all of them, in the order of the overrides."""
    keys = dict.fromkeys(key for one in settings for key in one)
    return [key for key in keys if len({one.get(key) for one in settings}) > 1]
