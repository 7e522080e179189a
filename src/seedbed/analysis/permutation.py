"""Whether paired differences are more than chance: the sign-flip test of their mean."""

from collections.abc import Iterable, Iterator

import numpy as np

from seedbed.analysis.intervals import SEED, Array, draws_within, scaled

MOST_EXACT = 16
"""Differences; 32,768 sums. Of more, signs are drawn."""

DRAWS = 19_999
"""Of at most `MOST_DRAWN / DRAWS` signs."""

FEWEST, MOST_DRAWN = 1_999, 2**23
"""Of more signs fewer are drawn; p is 1 / 2,000 at the least then."""

DRAWN_AT_ONCE = 2**18
"""Signs of a piece; bounds the memory, and stays in the processor's."""

TIE = 1e-12
"""Of the sum of all sizes: sums that are closer are one sum in exact arithmetic."""


def sign_flip_p(differences: Array) -> float:
    """The two-sided p of the hypothesis that each difference could as well have the other sign.

    All 2^n signs are gone through up to sixteen differences that are not zero. Of more, signs are
    drawn, and the observed ones count as one of the draws, so that p is never 0.

    Args:
        differences: of pairs, finite.

    Raises:
        ValueError: if there is no difference, or one is not finite.

    Source: Fisher, The Design of Experiments (1935), section 21; Phipson and Smyth (2010),
        Permutation P-values should never be zero, for (b + 1) / (m + 1).
    """
    return sign_flip_ps([differences])[0]


def sign_flip_ps(samples: Iterable[Array]) -> list[float]:
    """As `sign_flip_p`, of each of several samples; those of one size share their draws."""
    parts = [scaled(one)[1] for one in samples]
    found = {at: _exact_p(one) for at, one in enumerate(parts) if _is_exact(one)}
    sizes = sorted({len(one) for at, one in enumerate(parts) if at not in found})
    for n in sizes:
        places = [at for at, one in enumerate(parts) if at not in found and len(one) == n]
        number = draws_of(n)
        beyond = _drawn_beyond(np.stack([parts[at] for at in places]), number)
        found |= dict(zip(places, ((beyond + 1) / (number + 1)).tolist(), strict=True))
    return [found[at] for at in range(len(parts))]


def draws_of(n: int) -> int:
    """How often n signs are drawn."""
    return draws_within(MOST_DRAWN, n, least=FEWEST, most=DRAWS)


def smallest_p(n: int) -> float:
    """The smallest p that n pairs can give: all signs alike, either way."""
    return 2.0 ** (1 - n)


def _is_exact(sizes: Array) -> bool:
    """Whether all signs are gone through; either sign of zero gives the same sum."""
    return bool(np.count_nonzero(sizes) <= MOST_EXACT)


def _exact_p(sizes: Array) -> float:
    sizes = sizes[sizes != 0]
    return float(np.mean(np.abs(_all_sums(sizes)) >= _least(sizes))) if sizes.size else 1.0


def _least(sizes: Array) -> Array:
    """The size of a sum that is as far from zero as the observed one; (…, n) -> (…)."""
    least: Array = np.abs(sizes.sum(axis=-1)) - TIE * np.abs(sizes).sum(axis=-1)
    return least


def _all_sums(sizes: Array) -> Array:
    """The sums over all signs, the first of them fixed; the others mirror these."""
    sums = sizes[:1]
    for size in sizes[1:]:
        sums = np.concatenate([sums + size, sums - size])
    return sums


def _drawn_beyond(sizes: Array, draws: int) -> Array:
    """How many draws of signs have a sum of at least the observed size; (samples, n) -> (samples,).

    A sign is a bit: the sum of all, less twice the sum of those with a minus. The samples are
    multiplied one by one: threads of a matrix product wait longer for each other than it takes.
    """
    least, whole = _least(sizes), sizes.sum(axis=1)
    beyond = np.zeros(len(sizes), dtype=np.int64)
    for bits in _drawn_bits(sizes.shape[1], draws):
        minus = bits.astype(np.float64)
        for at, one in enumerate(sizes):
            sums = whole[at] - 2 * (minus @ one)
            beyond[at] += np.count_nonzero(np.abs(sums) >= least[at])
    return beyond


def _drawn_bits(n: int, draws: int) -> Iterator[Array]:
    """Draws of n bits, in pieces of (draws, n)."""
    random = np.random.default_rng(SEED)
    at_once = max(1, DRAWN_AT_ONCE // n)
    for first in range(0, draws, at_once):
        packed = random.integers(0, 256, (min(at_once, draws - first), -(-n // 8)), dtype=np.uint8)
        yield np.unpackbits(packed, axis=1, count=n)
