"""Which means and standard deviations can be measured: squares may be beyond all floats."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import DataError

LEAST, MOST = 1e-150, 1e150
"""Of a standard deviation; the squares that it is the mean of are no floats otherwise, or zero."""


def refuse_immeasurable(
    names: Sequence[str], means: ArrayLike, deviations: ArrayLike, origin: str
) -> None:
    """Refuses columns that would become nothing but zeros, or divided by zero.

    Args:
        names: of the columns.
        means: of each; several where a row holds several.
        deviations: likewise, 1 for a constant column.
        origin: for errors.

    Raises:
        DataError: naming each column whose mean or standard deviation a float cannot hold.
    """
    mean, deviation = (np.reshape(one, (len(names), -1)) for one in (means, deviations))
    right: Any = np.isfinite(mean).all(axis=1)
    right &= ((deviation > LEAST) & (deviation < MOST)).all(axis=1)
    if not right.all():
        raise DataError(
            *(
                f"column '{name}' of {origin} holds numbers too large or too small to measure "
                f"their deviation (from {LEAST:g} to {MOST:g}); write them in another unit"
                for name, is_right in zip(names, right, strict=True)
                if not is_right
            )
        )
