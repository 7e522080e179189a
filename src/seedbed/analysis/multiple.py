"""Several comparisons at once: the more there are, the sooner one looks like a difference."""

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """The p of each comparison, corrected for their number.

    Where those of at most 0.05 are taken, the chance of any that is wrong is at most 0.05.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    order = np.argsort(p, kind="stable")
    steps = np.asarray(p, dtype=np.float64)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(one) for one in corrected]
