"""How many rows a part has, and how rows or groups are dealt out to folds."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def rows_for(rows: int, fraction: float) -> int:
    """How many of the rows a fraction is."""
    return int(rows * fraction + 0.5)


def dealt(rows: int, folds: int) -> Numbers:
    """The fold of each of so many rows, one after the other: their sizes differ by one at most.

    Rows of one class that stand together are spread evenly as well.

    Shape:
        (rows,)
    """
    return np.arange(rows) % folds


def lightest(sizes: Numbers, folds: int) -> Numbers:
    """The fold of each group: the largest group first, each to the fold with the fewest rows yet.

    Args:
        sizes: rows of each group; of equally large ones the first goes first.
        folds: how many.

    Shape:
        (groups,) -> (groups,)

    Source: Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17 (1969).
    """
    loads = np.zeros(folds, dtype=np.int64)
    fold = np.empty(len(sizes), dtype=np.int64)
    for group in np.argsort(-sizes, kind="stable"):
        fold[group] = np.argmin(loads)
        loads[fold[group]] += sizes[group]
    return fold
