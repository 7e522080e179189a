"""Whether paired differences are more than chance: the sign-flip test of their mean."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from seedbed.analysis.intervals import draws_within

Array = np.ndarray[Any, Any]

MOST_EXACT = 16
"""Differences; 32,768 sums. Of more, signs are drawn."""

DRAWS = 19_999
"""Of at most `MOST_DRAWN / DRAWS` signs."""

FEWEST, MOST_DRAWN = 1_999, 2**23
"""Of more signs fewer are drawn; p is 1 / 2,000 at the least then."""

DRAWN_AT_ONCE = 2**22
"""Signs of a piece; bounds the memory."""

TIE = 1e-12
"""Of the sum of all sizes: sums that are closer are one sum in exact arithmetic."""


def sign_flip_p(differences: Array, *, draws: int | None = None, seed: int = 0) -> float:
    """The two-sided p of the hypothesis that each difference could as well have the other sign.

    All 2^n signs are gone through up to sixteen differences. Of more, signs are drawn, and the
    observed ones count as one of the draws, so that p is never 0.

    Args:
        differences: of pairs, finite.
        draws: of signs, where they are drawn; None for as many as `draws_of` says.
        seed: of the draws.

    Raises:
        ValueError: if there is no difference, or one is not finite.

    Source: Fisher, The Design of Experiments (1935), section 21; Phipson and Smyth (2010),
        Permutation P-values should never be zero, for (b + 1) / (m + 1).
    """
    sizes = np.asarray(differences, dtype=np.float64)
    if sizes.size == 0 or not np.isfinite(sizes).all():
        raise ValueError("needs at least one difference, all of them finite")
    sizes = sizes[sizes != 0]  # either sign of zero gives the same sum
    if sizes.size == 0:
        return 1.0
    sizes = sizes / np.abs(sizes).max()
    least = abs(sizes.sum()) - TIE * np.abs(sizes).sum()
    if len(sizes) <= MOST_EXACT:
        return float(np.mean(np.abs(_all_sums(sizes)) >= least))
    draws = draws_of(len(sizes)) if draws is None else draws
    return (_drawn_beyond(sizes, least, draws, seed) + 1) / (draws + 1)


def draws_of(n: int) -> int:
    """How often n signs are drawn."""
    return draws_within(MOST_DRAWN, n, least=FEWEST, most=DRAWS)


def smallest_p(n: int) -> float:
    """The smallest p that n pairs can give: all signs alike, either way."""
    return 2.0 ** (1 - n)


def _all_sums(sizes: Array) -> Array:
    """The sums over all signs, the first of them fixed; the others mirror these."""
    sums = sizes[:1]
    for size in sizes[1:]:
        sums = np.concatenate([sums + size, sums - size])
    return sums


def _drawn_beyond(sizes: Array, least: float, draws: int, seed: int) -> int:
    """How many draws of signs have a sum of at least that size."""
    pieces = _signs(len(sizes), draws, seed)
    return sum(int(np.count_nonzero(np.abs(signs @ sizes) >= least)) for signs in pieces)


def _signs(n: int, draws: int, seed: int) -> Iterable[Array]:
    """Draws of n signs, in pieces; of few signs they are kept for the next differences."""
    return _few_signs(n, draws, seed) if n * draws <= DRAWN_AT_ONCE else _drawn(n, draws, seed)


@lru_cache(2)
def _few_signs(n: int, draws: int, seed: int) -> tuple[Array, ...]:
    return tuple(_drawn(n, draws, seed))


def _drawn(n: int, draws: int, seed: int) -> Iterator[Array]:
    random = np.random.default_rng(seed)
    size = max(1, DRAWN_AT_ONCE // n)
    for first in range(0, draws, size):
        shape = (min(size, draws - first), n)
        yield random.integers(0, 2, shape, dtype=np.int8) * 2.0 - 1
