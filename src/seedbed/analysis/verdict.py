"""Whether a setting is better than another, in words that the numbers can carry."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbed.analysis.folds import FEWEST, NOT_CHAINED, Folds, corrected_interval, corrected_p
from seedbed.analysis.intervals import Array, Interval, bca_interval, mean_and_std
from seedbed.analysis.permutation import sign_flip_p, sign_flip_ps, smallest_p
from seedbed.analysis.superiority import probability_of_superiority

LEVEL = 0.05
"""A p above this is no difference: chance alone gives so small a one once in twenty times."""

SURE = 0.01
"""A p of at most this is taken for a difference, however small the difference is."""

LARGE = 0.75
"""Between the two, P(A beats B) must be so large as well.

Of two equal settings with ten seeds 36 in 1,000 are called better with this, 50 without; where one
is better by two standard deviations, 971 and 974 are.

Source: Bouthillier et al. (2021), Accounting for Variance in Machine Learning Benchmarks, for 0.75.
"""

ROUNDING = 1e-6
"""Of the larger value: two values that are closer differ by float32 rounding, and are equal."""

LARGEST = float(np.finfo(np.float64).max)

BETTER = "better"
NOT_SHOWN = "not shown"


@dataclass(frozen=True)
class Verdict:
    """The first of two settings against the second, paired by seed.

    Args:
        words: `better`, `not shown: needs 6 seeds or more, has 3`, or `not shown`.
        n: pairs.
        difference: mean of first less second, 0 where it is rounding alone; None without pairs.
        interval: of the difference; None where the pairs tell of no spread.
        p: of the sign-flip test; None without pairs.
        superiority: P(A beats B), of each of these runs against each; None without pairs.
        equal: whether every pair is equal but for rounding.
    """

    words: str
    n: int
    difference: float | None
    interval: Interval | None
    p: float | None
    superiority: float | None
    equal: bool = False

    @property
    def is_better(self) -> bool:
        """Whether the first is shown to be better."""
        return self.words == BETTER


def verdict(first: Array, second: Array, *, higher: bool, folds: Folds | None = None) -> Verdict:
    """Compares two settings on the seeds that both have.

    Args:
        first: of each common seed, finite.
        second: of the same seeds in the same order, finite.
        higher: whether higher is better.
        folds: what the seeds are, if they are sets of rows of a cross-validation.
    """
    n = len(first)
    if not n:
        return Verdict(
            f"{NOT_SHOWN}: no seed at which both have a value", 0, None, None, None, None
        )
    differences = paired_differences(first, second)
    difference = _mean(differences, first, second)
    p = sign_flip_p(differences) if folds is None else corrected_p(differences, folds)
    ahead = difference > 0 if higher else difference < 0
    superiority = probability_of_superiority(first, second, higher=higher)
    judged = p if ahead else 1.0
    return Verdict(
        _words(n, judged, superiority) if folds is None else _of_folds(folds, judged, superiority),
        n,
        difference,
        bca_interval(differences) if folds is None else corrected_interval(differences, folds),
        p,
        superiority,
        equal=not differences.any(),
    )


def paired_ps(pairs: Sequence[tuple[Array, Array]]) -> list[float | None]:
    """The p of the verdict on each pair of settings, alone; None without a seed in common."""
    having = [pair for pair in pairs if len(pair[0])]
    ps = iter(sign_flip_ps(paired_differences(*pair) for pair in having))
    return [next(ps) if len(first) else None for first, _ in pairs]


def paired_differences(first: Array, second: Array) -> Array:
    """First less second, and zero where rounding alone may have made the difference."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    equal = np.abs(a / 2 - b / 2) <= ROUNDING / 2 * np.maximum(np.abs(a), np.abs(b))
    with np.errstate(over="ignore"):
        differences = np.clip(a - b, -LARGEST, LARGEST)
    return np.where(equal, 0.0, differences)


def _mean(differences: Array, first: Array, second: Array) -> float:
    """Of the differences; zero where they cancel, and rounding alone is left."""
    mean, _ = mean_and_std(differences)
    sizes = np.maximum(np.abs(first), np.abs(second)) / len(differences)
    rounding = ROUNDING * float(sizes[differences != 0].sum())
    return 0.0 if abs(mean) <= rounding else mean


def seeds_needed(level: float = LEVEL) -> int:
    """The fewest pairs with which the test can come down to a level; 6 for 0.05."""
    n = 1 + math.ceil(-math.log2(level))
    return n if smallest_p(n) <= level else n + 1


def _of_folds(folds: Folds, p: float | None, superiority: float) -> str:
    if folds.chained:
        return NOT_CHAINED
    if p is None:
        return f"{NOT_SHOWN}: needs {FEWEST} folds or more, has 1"
    return _shown(p, superiority)


def _words(n: int, p: float | None, superiority: float) -> str:
    if n < seeds_needed() or p is None:
        return f"{NOT_SHOWN}: needs {seeds_needed()} seeds or more, has {n}"
    return _shown(p, superiority)


def _shown(p: float, superiority: float) -> str:
    shown = p <= SURE or (p <= LEVEL and superiority >= LARGE)
    return BETTER if shown else NOT_SHOWN
