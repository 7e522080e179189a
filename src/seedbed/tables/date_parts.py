"""Parts of a date that become inputs of their own: its month, weekday, hour, and so on.

They are those of the date as it is written; of a moment with a time zone, those in UTC, as is its
day number.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import DataError
from seedbed.tables.dates import DAY

Moments = NDArray[np.datetime64]
Floats = NDArray[np.float64]


def _year(moments: Moments) -> Any:
    return moments.astype("M8[Y]").astype(np.int64) + 1970


def _month(moments: Moments) -> Any:
    return moments.astype("M8[M]").astype(np.int64) % 12 + 1


def _day(moments: Moments) -> Any:
    days = moments.astype("M8[D]")
    return (days - days.astype("M8[M]")).astype(np.int64) + 1


def _weekday(moments: Moments) -> Any:
    return (moments.astype("M8[D]").astype(np.int64) + 3) % 7  # 1970 began on a Thursday


def _hour(moments: Moments) -> Any:
    return (moments - moments.astype("M8[D]")) // np.timedelta64(1, "h")


NUMBER = "number"

PARTS: dict[str, Callable[[Moments], Any]] = {
    "year": _year,
    "month": _month,
    "day": _day,
    "weekday": _weekday,
    "hour": _hour,
}
"""As `pandas.Series.dt` has them: months from 1, Monday is weekday 0. Beside them there is
`NUMBER`: days since 1970-01-01, with the time of day as a fraction."""


def refuse_unknown_parts(column: str, parts: Sequence[str]) -> None:
    """Refuses parts that a date does not have.

    Raises:
        DataError: naming those that there are.
    """
    known = [NUMBER, *PARTS]
    for part in parts:
        if part not in known:
            raise DataError(
                f"data.dates: '{column}': no part '{part}' of a date; there are {joined(known)}"
                f"{did_you_mean(str(part), known)}"
            )
    if not parts or len({*parts}) < len(parts):
        raise DataError(f"data.dates: '{column}': parts must be one or more, and all differ")


def date_parts(days: Floats, parts: Sequence[str]) -> Floats:
    """Parts of dates, side by side.

    Args:
        days: day numbers; NaN is a missing date.
        parts: which.

    Shape:
        days (rows,) -> (rows, parts)
    """
    known = ~np.isnan(days)
    microseconds = np.round(days[known] * DAY * 1e6).astype(np.int64)
    moments = microseconds.astype("M8[us]")
    found = np.full((len(days), len(parts)), np.nan)
    for place, part in enumerate(parts):
        found[known, place] = days[known] if part == NUMBER else PARTS[part](moments)
    return found
