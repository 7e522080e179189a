"""The most rows that fit, by trying few of the sizes there are.

Where the bytes of a step can be counted, they are told from steps of few rows. Where only whether a
step fits can be seen, rows double until one does not, and the last step between is halved.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import size_text
from seedbed.errors import ConfigError

Bytes = NDArray[np.float64]
"""That live after each operation of a step."""

TRIED = 1 / 16
"""Of that, what the step of the most rows that are tried takes, about."""

FIRST, SECOND = 2, 4
"""Rows of the first two steps; batch normalisation takes no fewer."""

STEEPER = 1.05
"""How much more than told a step may take; beyond, memory grows faster than rows do."""

APART = 4
"""Times the rows of the step before, that are tried next; of rows that each look at each other they
take the square of it."""


def largest_within(step: Callable[[int], Bytes], most: int, budget: float) -> tuple[int, float]:
    """The most rows whose step stays within a budget, told from steps that take little of it.

    What lives after an operation is a line over the number of rows, and so two steps tell it for
    any number. The peak alone is none: of few rows it is where the weights move, of many where the
    gradients begin. Steps of more and more rows are looked at for whether the lines hold.

    Args:
        step: bytes after each operation of a step with so many rows.
        most: rows.
        budget: bytes.

    Returns:
        The rows, of three binary digits unless they are all; and bytes of each further one.

    Raises:
        ConfigError: if not even a row fits.
    """
    first, second = (min(rows, most) for rows in (FIRST, SECOND))
    one, two = step(first), step(second)
    if first == second:
        _refuse_large(one.max() / first, first if one.max() <= budget else 0, budget)
        return most, one.max() / first
    if len(one) != len(two):
        return _by_doubling(step, second, two.max(), most, budget)
    slopes = (two - one) / (second - first)
    fixed = one - slopes * first
    rows, taken = second, two.max()
    while rows < most and APART**2 * taken <= budget:
        more = min(APART * rows, most)
        told = (fixed + slopes * more).max()
        if told > budget * TRIED:
            break
        rows, taken = more, step(more).max()
        if taken > STEEPER * told:
            return _by_doubling(step, rows, taken, most, budget)
    fitting = (n for n in sizes_up_to(most) if (fixed + slopes * n).max() <= budget)
    number = max(fitting, default=0)
    each = float(slopes[np.argmax(fixed + slopes * max(number, 1))])
    _refuse_large(each, number, budget)
    return number, each


def _by_doubling(
    step: Callable[[int], Bytes], rows: int, taken: float, most: int, budget: float
) -> tuple[int, float]:
    """As of rows that each look at each other: twice as many take four times as much at most."""
    while 2 * rows <= most and 4 * taken <= budget:
        rows *= 2
        taken = step(rows).max()
    _refuse_large(taken / rows, rows if taken <= budget else 0, budget)
    return rows, taken / rows


def _refuse_large(bytes_a_row: float, fitting: int, budget: float) -> None:
    if fitting < 1:
        raise ConfigError(
            f"loader.batch_size=largest: a row takes {size_text(bytes_a_row)} in a step, and "
            f"{size_text(budget)} may be taken; a smaller model takes less"
        )


def sizes_up_to(most: int) -> list[int]:
    """Numbers of three binary digits, and the last: each is a fourth to an eighth more."""
    found = [digits << shift for shift in range(most.bit_length()) for digits in (4, 5, 6, 7)]
    return [*(one for one in (1, 2, 3, *found) if one < most), most]


def largest_that_fits(fits: Callable[[int], bool], sizes: Sequence[int]) -> int:
    """The last size that fits: each is tried that is twice the one before, then those between.

    Raises:
        ConfigError: if none does.
    """
    low, high = -1, len(sizes)  # what fits, and what does not
    step = 0
    while step < high:
        if not fits(sizes[step]):
            high = step
            break
        low = step
        if step == len(sizes) - 1:
            break
        twice = next((n for n, one in enumerate(sizes) if one >= 2 * sizes[step]), len(sizes) - 1)
        step = twice
    while high - low > 1:
        middle = (low + high) // 2
        if fits(sizes[middle]):
            low = middle
        else:
            high = middle
    if low < 0:
        raise ConfigError(
            "loader.batch_size=largest: not even a batch of one row fits into the device's memory; "
            "a smaller model takes less"
        )
    return sizes[low]
