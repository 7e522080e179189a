"""How often a run of one setting beats a run of another: a size of a difference, not a test."""

import numpy as np

from seedbed.analysis.intervals import Array


def probability_of_superiority(first: Array, second: Array, *, higher: bool) -> float:
    """P(A beats B): the part of all pairs in which a run of the first beats one of the second.

    Every run of the first is held against every run of the second, whatever their seeds; a tie
    counts half. 0.5 is no difference.

    Args:
        first: values of A, at least one.
        second: values of B, at least one.
        higher: whether higher is better.

    Source: Vargha and Delaney (2000), A critique and improvement of the CL common language effect
        size statistics; the U of Mann and Whitney divided by the number of pairs.
    """
    ordered = np.sort(np.asarray(second, dtype=np.float64))
    values = np.asarray(first, dtype=np.float64)
    below = np.searchsorted(ordered, values, side="left").sum()
    not_above = np.searchsorted(ordered, values, side="right").sum()
    greater = float(below + not_above) / (2 * len(values) * len(ordered))
    return greater if higher else 1 - greater
