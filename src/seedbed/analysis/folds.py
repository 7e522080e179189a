"""Means over the folds of a cross-validation, whose training rows overlap.

Folds are not independent: each two of them share most of their training rows, so that the spread
of their values is smaller than that of values of new rows would be. Nadeau and Bengio's correction
adds what the overlap hides, the test rows for each training row, to the variance of the mean. What
was measured on the same rows by several seeds counts once, by its mean.

Source: Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52 (2003);
Bouckaert and Frank, "Evaluating the replicability of significance tests for comparing learning
algorithms", PAKDD 2004, for folds that are drawn several times.
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbed.analysis.intervals import CONFIDENCE, Array, Interval, mean_and_std
from seedbed.analysis.permutation import sign_flip_p

FOLD = "data.fold"
"""The key whose values are the folds of one cross-validation."""

SMALLEST_P = 1e-15
"""What rounding leaves of a p that is smaller."""

FEWEST = 2
"""Folds that tell of a spread."""

NOT_CHAINED = "not shown: blocks of data.split.time train on ever more rows, and no test fits them"


@dataclass(frozen=True)
class Folds:
    """What is known of the folds that runs were measured on.

    Args:
        number: of one cross-validation.
        chained: whether they follow each other in time; no interval is known for these.
    """

    number: int
    chained: bool = False

    @property
    def overlap(self) -> float:
        """Rows that validate for each that trains."""
        return 1 / (self.number - 1)


def by_rows(values: Mapping[Hashable, float], rows: Mapping[Hashable, Hashable]) -> Array:
    """The mean of the values of each set of rows, in the order that these come in.

    Args:
        values: by repetition.
        rows: what each was measured on, likewise.
    """
    found: dict[Hashable, list[float]] = {}
    for key, value in values.items():
        found.setdefault(rows[key], []).append(value)
    return np.array([mean_and_std(np.array(some))[0] for some in found.values()])


def corrected_interval(values: Array, folds: Folds) -> Interval | None:
    """The 95 % interval of a mean over folds; None where the values tell of no spread."""
    error = _standard_error(values, folds)
    if not error:
        return None
    mean, _ = mean_and_std(values)
    half = student_quantile(CONFIDENCE, len(values) - 1) * error
    return mean - half, mean + half


def corrected_p(differences: Array, folds: Folds) -> float | None:
    """The two-sided p of a mean difference over folds; None of one fold, or of blocks in time.

    Differences that are all the same tell of no spread: they go by their signs alone.
    """
    if folds.chained or len(differences) < FEWEST:
        return None
    error = _standard_error(differences, folds)
    if not error:
        return sign_flip_p(differences)
    mean, _ = mean_and_std(differences)
    return max(SMALLEST_P, 1 - student_within(abs(mean) / error, len(differences) - 1))


def _standard_error(values: Array, folds: Folds) -> float:
    """Of the mean; 0 where nothing tells it."""
    if folds.chained or len(values) < FEWEST:
        return 0.0
    _, std = mean_and_std(values)
    spread = float(np.ptp(values)) > 1e-12 * float(np.abs(values).max())
    return (std or 0.0) * math.sqrt(1 / len(values) + folds.overlap) if spread else 0.0


def student_within(t: float, freedom: int) -> float:
    """The probability that Student's t lies between -t and t.

    Args:
        t: >= 0.
        freedom: degrees of it, >= 1.

    Source: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for number in range(1 + odd, freedom, 2):
        total += term
        term *= cosine**2 * number / (number + 1)
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def student_quantile(probability: float, freedom: int) -> float:
    """The t within which Student's lies with a probability; see `student_within`."""
    low, high = 0.0, 1.0
    while student_within(high, freedom) < probability:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        inside = student_within(middle, freedom) < probability
        low, high = (middle, high) if inside else (low, middle)
    return high


def folds_told(number: Any, time: Any) -> Folds | None:
    """From `data.folds` and `data.split.time` as a config has them; None if they are none."""
    known = isinstance(number, int) and not isinstance(number, bool) and number >= FEWEST
    return Folds(number, time is not None) if known else None
