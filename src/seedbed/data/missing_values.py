"""Values that are missing where no training row misses one, counted wherever rows are measured."""

from collections.abc import Sequence

import numpy as np

from seedbed.config.hints import joined
from seedbed.data.fitted_column import FittedColumn
from seedbed.tables.table import Table

MOST_SHOWN = 5
"""Columns named."""


def notes_on_missing(features: Sequence[FittedColumn], table: Table, rows: str) -> list[str]:
    """One sentence, or none where nothing is missing that training had.

    Names have no mean: a missing one is a name that training did not have (`unknown_names.py`).

    Args:
        features: of the run.
        table: the rows.
        rows: what they are: `test rows`, `rows of new.csv`.
    """
    names, missing = [], np.zeros(len(table), dtype=bool)
    for feature in features:
        column = table.columns[feature.name]
        if feature.gaps is False and column.kind != "category":
            gaps = np.isnan(column.values).reshape(len(table), -1).any(axis=1)
            if gaps.any():
                names.append(f"'{feature.name}'")
                missing |= gaps
    if not names:
        return []
    return [
        f"{int(missing.sum())} of {len(table)} {rows} have no value in {joined(names, MOST_SHOWN)}"
        ", where every training row has one; the mean of the training rows takes its place"
    ]
