"""Times as SLURM reads them: `60`, `10:30`, `1:00:00`, `2-12`, `2-12:30`, `2-12:30:00`."""

import math

FACTORS = {1: (60,), 2: (60, 1), 3: (3600, 60, 1)}
"""Seconds of each field, by their number; behind days the first field is hours."""


def minutes(duration: int | str) -> int:
    """Whole minutes, rounded up.

    Args:
        duration: that the schema has checked.
    """
    days, dash, rest = str(duration).rpartition("-")
    fields = [int(field) for field in rest.split(":")]
    factors = FACTORS[3][: len(fields)] if dash else FACTORS[len(fields)]
    seconds = sum(field * factor for field, factor in zip(fields, factors, strict=True))
    return max(1, math.ceil((int(days or 0) * 86_400 + seconds) / 60))
