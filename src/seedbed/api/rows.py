"""Rows to predict, in the forms that Python has them in."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from seedbed.data.new_rows import NewRows, rows_from_file, rows_from_json
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import DataError
from seedbed.tables.memory_table import is_frame, table_in_memory

KEY = "rows"


def new_rows(rows: Any, preprocessing: Preprocessing) -> NewRows:
    """Model inputs.

    Args:
        rows: a list of lists or mappings, a mapping of columns, an array, or a DataFrame.
        preprocessing: of the run.

    Raises:
        DataError: if they are none of these, or not of the run's form.
    """
    if is_frame(rows) or isinstance(rows, Mapping):
        return rows_from_file(table_in_memory(rows, KEY), preprocessing)
    if hasattr(rows, "detach"):  # a tensor
        rows = rows.detach().cpu().numpy()
    if isinstance(rows, np.ndarray):
        return _from_array(rows, preprocessing)
    return rows_from_json(_as_json(rows), preprocessing, KEY)


def _as_json(value: Any) -> Any:
    """Rows, or a value in one, as JSON would have them."""
    if isinstance(value, Mapping):
        return {name: _as_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _from_array(rows: np.ndarray[Any, Any], preprocessing: Preprocessing) -> NewRows:
    """A matrix has the features in its columns, in their order."""
    features = preprocessing.features
    if not features or rows.ndim != 2 or (len(features) == 1 and features[0].shape):
        return rows_from_json(rows.tolist(), preprocessing, KEY)
    if rows.shape[1] != len(features):
        names = ", ".join(one.name for one in features)
        raise DataError(
            f"{KEY}: rows have {rows.shape[1]} values, the run takes {len(features)}: {names}"
        )
    named = {one.name: rows[:, index] for index, one in enumerate(features)}
    return rows_from_file(table_in_memory(named, KEY), preprocessing)
