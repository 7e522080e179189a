"""Mean, spread and a 95 % interval of a metric over seeds.

The interval is the bias-corrected and accelerated bootstrap (BCa) of the mean. scipy computes the
same one and is the oracle of the tests; it takes half a second to import, which every sweep would
wait for at its end.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray[Any, Any]
Interval = tuple[float, float]

CONFIDENCE = 0.95

RESAMPLES = 9_999
"""As many as scipy draws unless told otherwise; of at most `MOST_DRAWN / RESAMPLES` values."""

FEWEST, MOST_DRAWN = 1_999, 2**22
"""Of more values fewer samples are drawn: the end of an interval of thousands hardly moves."""

DRAWN_AT_ONCE = 2**18
"""Values of a piece of the resamples; bounds the memory, and stays in the processor's."""

TIE = 1e-12
"""Of the largest deviation: means that are closer are one mean in exact arithmetic."""

SEED = 0
"""Of all draws: the same values have the same interval, and the same p."""

NORMAL = NormalDist()

COVERAGE = {
    2: 0.50,
    3: 0.73,
    4: 0.80,
    5: 0.84,
    6: 0.86,
    7: 0.87,
    8: 0.88,
    9: 0.89,
    10: 0.90,
    20: 0.92,
}
"""How often the interval of so many normal values holds their mean: a bootstrap of few is too
narrow. Measured over 20,000 samples of each size; of skewed values it holds it less often."""


def mean_and_std(values: Array) -> tuple[float, float | None]:
    """The mean, and the standard deviation of the sample; None for one value.

    Raises:
        ValueError: if there is no value, or one is not finite.
    """
    scale, parts = scaled(values)
    mean = float(parts.mean())
    std = float(parts.std(ddof=1)) * scale if len(parts) > 1 else None
    return mean * scale, std


def bca_interval(values: Array, *, resamples: int | None = None) -> Interval | None:
    """The 95 % BCa bootstrap interval of a mean.

    Args:
        values: finite; their order does not matter beyond the draws.
        resamples: drawn; None for as many as `resamples_of` says.

    Returns:
        Its ends; None for one value, and where all are equal.

    Raises:
        ValueError: if there is no value, or one is not finite.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 14.3 and 15.4.
    """
    scale, parts = scaled(values)
    middle = parts.mean()
    deviations = parts - middle
    widest = float(np.abs(deviations).max())
    if len(parts) < 2 or widest <= TIE:
        return None
    resamples = resamples_of(len(parts)) if resamples is None else resamples
    means = _resampled_means(deviations, resamples)
    below = np.count_nonzero(means < -TIE * widest) + np.count_nonzero(means <= TIE * widest)
    fraction = below / (2 * resamples)
    if not 0 < fraction < 1:
        return None
    bias = NORMAL.inv_cdf(fraction)
    acceleration = float((deviations**3).sum() / (deviations**2).sum() ** 1.5) / 6
    tail = NORMAL.inv_cdf((1 - CONFIDENCE) / 2)
    levels = [_corrected(bias, acceleration, z) for z in (tail, -tail)]
    low, high = np.quantile(means, levels)
    return float(middle + low) * scale, float(middle + high) * scale


def resamples_of(n: int) -> int:
    """How many samples of n values are drawn."""
    return draws_within(MOST_DRAWN, n, least=FEWEST, most=RESAMPLES)


def draws_within(values: int, n: int, *, least: int, most: int) -> int:
    """How often n values are drawn, so that no more than so many values are drawn in all.

    Args:
        values: drawn in all, unless that are too few draws.
        n: values of a draw.
        least: draws.
        most: draws.
    """
    return max(least, min(most, values // max(n, 1)))


def _corrected(bias: float, acceleration: float, z: float) -> float:
    """The quantile of the resampled means that stands for the normal quantile z."""
    shifted = bias + z
    return NORMAL.cdf(bias + shifted / (1 - acceleration * shifted))


def _resampled_means(values: Array, resamples: int) -> Array:
    """The means of samples drawn with replacement; (resamples,)."""
    n = len(values)
    pieces = _times_drawn(n, resamples)
    return np.concatenate([piece.astype(np.float64) @ values for piece in pieces]) / n


def _times_drawn(n: int, resamples: int) -> Iterable[Array]:
    """How often each of n values is in each sample, in pieces of (resamples, n).

    They are kept for the next values: most settings have as many seeds as the others.
    """
    kept = n * resamples <= MOST_DRAWN
    return _kept(n, resamples) if kept else _counted(n, resamples)


@lru_cache(4)
def _kept(n: int, resamples: int) -> tuple[Array, ...]:
    return tuple(_counted(n, resamples))


def _counted(n: int, resamples: int) -> Iterator[Array]:
    random = np.random.default_rng(SEED)
    at_once = max(1, DRAWN_AT_ONCE // n)
    for first in range(0, resamples, at_once):
        rows = min(at_once, resamples - first)
        cells = random.integers(0, n, (rows, n)) + n * np.arange(rows)[:, np.newaxis]
        counts = np.bincount(cells.ravel(), minlength=rows * n).reshape(rows, n)
        yield counts.astype(np.min_scalar_type(n))


def scaled(values: ArrayLike) -> tuple[float, Array]:
    """The largest value, and the values in units of it: squares of huge losses have no room.

    Raises:
        ValueError: if there is no value, or one is not finite.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.size == 0 or not np.isfinite(numbers).all():
        raise ValueError("needs at least one value, all of them finite")
    scale = float(np.abs(numbers).max()) or 1.0
    return scale, numbers / scale
