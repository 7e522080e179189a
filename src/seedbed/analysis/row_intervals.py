"""A 95 % interval of what is measured on rows: the percentile bootstrap.

It asks of a metric no more than its value on rows that are drawn anew, so that it is one method for
all of them, those of other people too. scipy computes the same one and is the oracle of the tests.
"""

from collections.abc import Iterator

import numpy as np

from seedbed.analysis.intervals import CONFIDENCE, SEED, TIE, Array, Interval, draws_within

MOST_RESAMPLES, LEAST_RESAMPLES = 2_000, 200

ROWS_DRAWN = 10**7
"""In all resamples together; of more rows there are fewer resamples."""

DRAWN_AT_ONCE = 2**20
"""Values that are looked at together; bounds the memory."""

LEAST_DEFINED = 0.95
"""Of the resamples: with fewer of them that have a value there is no interval."""


def resamples_of(rows: int) -> int:
    """How many resamples are drawn of a file of so many rows."""
    return draws_within(ROWS_DRAWN, rows, least=LEAST_RESAMPLES, most=MOST_RESAMPLES)


def drawn_rows(rows: int, resamples: int, width: int = 1) -> Iterator[Array]:
    """Numbers of rows, drawn with replacement, some resamples at a time.

    Args:
        rows: that there are, and that each resample has.
        resamples: in all.
        width: values that a row has.

    Shape:
        each (resamples, rows) int64
    """
    random = np.random.default_rng(SEED)
    at_once = max(1, DRAWN_AT_ONCE // max(rows * width, 1))
    for first in range(0, resamples, at_once):
        yield random.integers(0, rows, (min(at_once, resamples - first), rows))


def percentile_interval(resampled: Array) -> Interval | None:
    """The ends between which the middle 95 % of the resamples lie.

    Args:
        resampled: a metric on each resample; NaN where it is not defined.

    Returns:
        None where too few are defined, and where all are the same, which tells of the rows that
        there are too few of them, or nothing but hits, and not that the value is sure.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    told = resampled[np.isfinite(resampled)]
    if not len(told) or len(told) < LEAST_DEFINED * len(resampled):
        return None
    if np.ptp(told) <= TIE * float(np.abs(told).max()):
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(told, [tail, 1 - tail])
    return float(low), float(high)
