"""Numbers that stand for a missing value, whatever type of column they come in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.tables.text_form import CellForm


def without_marks(values: NDArray[Any], form: CellForm) -> NDArray[Any]:
    """The numbers of a column, NaN where one stands for a missing value.

    A mark means the value: with -999 the cells -999, -999.0 and -9.99e2 of a CSV are missing, and
    so are the floats and integers of Parquet and of rows in memory.
    """
    if not form.missing_numbers:
        return values
    return np.where(np.isin(values, form.missing_numbers), np.nan, values)
