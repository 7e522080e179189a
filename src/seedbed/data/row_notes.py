"""What a person should know of rows that are measured or predicted, as the training rows have it.

Names that training did not have, and values that are missing where no training row misses one.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import did_you_mean, joined, shortened
from seedbed.data.fitted_column import FittedColumn
from seedbed.runs.files import printable
from seedbed.tables.spellings import KnownNames
from seedbed.tables.table import Table

MOST_NAMES, MOST_COLUMNS = 3, 5
"""Names of one column, and columns, in a sentence."""


def unknown_names(features: Sequence[FittedColumn], table: Table) -> dict[str, NDArray[np.bool_]]:
    """By feature, which rows hold a name that training did not have; no entry where none does."""
    unknown = {}
    for feature in features:
        if feature.categories is not None:
            names = table.columns[feature.name].names()
            indices = KnownNames(feature.categories).indices(names)
            if (indices < 0).any():
                unknown[feature.name] = indices < 0
    return unknown


def notes_on_rows(
    features: Sequence[FittedColumn],
    table: Table,
    rows: str,
    unknown: Mapping[str, NDArray[np.bool_]],
) -> list[str]:
    """A sentence for each column with unknown names, and one for missing values.

    Args:
        features: of the run.
        table: the rows.
        rows: what they are: `test rows`, `rows of new.csv`.
        unknown: as `unknown_names` has it.
    """
    notes = [
        _unknown_note(one, table, rows, unknown[one.name])
        for one in features
        if one.name in unknown
    ]
    return notes + _missing_note(features, table, rows)


def held_out_notes(
    features: Sequence[FittedColumn], table: Table, splits: Mapping[str, Table]
) -> list[str]:
    """Notes on the rows of each split that are not trained on.

    Args:
        features: fitted on the training rows.
        table: all rows of the training file.
        splits: by name, train among them; rows of this table, or of another file.
    """
    notes = []
    for name, split in splits.items():
        if name != "train":
            may_miss = table.has_gaps or split.origin != table.origin
            asked = [one for one in features if may_miss or one.categories is not None]
            unknown = unknown_names(asked, split)
            notes += notes_on_rows(asked, split, f"{name} rows", unknown)
    return notes


def _unknown_note(
    feature: FittedColumn, table: Table, rows: str, unknown: NDArray[np.bool_]
) -> str:
    distinct = table.columns[feature.name].taken(np.flatnonzero(unknown)).names().in_order()
    known = [one for one in feature.categories or [] if one is not None]
    hint = did_you_mean(str(distinct[0]), known) if len(distinct) == 1 else ""
    return (
        f"column '{feature.name}': {int(unknown.sum())} of {len(unknown)} {rows} hold names that "
        f"no training row has, {joined(map(_on_one_line, distinct), MOST_NAMES)}; they become "
        f"zeros (data.unknown){hint}"
    )


def _on_one_line(name: str | None) -> str:
    """A name, and not the whole of a long one."""
    if name is None:
        return "(missing)"
    line = shortened(name).replace("\r", r"\r").replace("\n", r"\n")
    return f"'{printable(line)}'"


def _missing_note(features: Sequence[FittedColumn], table: Table, rows: str) -> list[str]:
    """Names have no mean: a missing one is a name that training did not have."""
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
        f"{int(missing.sum())} of {len(table)} {rows} have no value in "
        f"{joined(names, MOST_COLUMNS)}, where every training row has one; the mean of the "
        "training rows takes its place"
    ]
