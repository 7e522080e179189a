"""What a person should know of rows that are measured or predicted, as the training rows have it.

Names that training did not have, and values that are missing where no training row misses one.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import did_you_mean, joined, shortened
from seedbed.data.fitted_column import FittedColumn
from seedbed.runs.files import printable
from seedbed.tables.table import Table

MOST_NAMES, MOST_COLUMNS = 3, 5
"""Names of one column, and columns, in a sentence."""


def unknown_names(features: Sequence[FittedColumn], table: Table) -> dict[str, NDArray[np.bool_]]:
    """By feature, which rows hold a name that training did not have; no entry where none does."""
    unknown = {}
    for feature in features:
        if feature.categories is not None:
            indices = feature.known.indices(table.columns[feature.name].names())
            if (indices < 0).any():
                unknown[feature.name] = indices < 0
    return unknown


class RowNotes:
    """What is to be told of rows, which may come a block at a time.

    Args:
        features: of the run.
    """

    def __init__(self, features: Sequence[FittedColumn]) -> None:
        self._features, self._rows, self._without = features, 0, 0
        self._unknown: dict[str, int] = {}
        self._names: dict[str, dict[str | None, None]] = {}
        self._gaps: set[str] = set()

    def add(self, table: Table, unknown: Mapping[str, NDArray[np.bool_]]) -> None:
        """Looks at the next rows.

        Args:
            table: the rows.
            unknown: as `unknown_names` has it.
        """
        self._rows += len(table)
        for name, rows in unknown.items():
            self._unknown[name] = self._unknown.get(name, 0) + int(rows.sum())
            names = table.columns[name].taken(np.flatnonzero(rows)).names().in_order()
            self._names.setdefault(name, {}).update(dict.fromkeys(names))
        missing = np.zeros(len(table), dtype=bool)
        for feature in self._features:
            column = table.columns[feature.name]
            if feature.gaps is False and column.kind != "category":
                gaps = np.isnan(column.values).reshape(len(table), -1).any(axis=1)
                if gaps.any():
                    self._gaps.add(feature.name)
                    missing |= gaps
        self._without += int(missing.sum())

    def told(self, rows: str) -> list[str]:
        """A sentence for each column with unknown names, and one for missing values.

        Args:
            rows: what they are: `test rows`, `rows of new.csv`.
        """
        notes = [self._on_unknown(one, rows) for one in self._features if one.name in self._unknown]
        names = [f"'{one.name}'" for one in self._features if one.name in self._gaps]
        if names:  # names have no mean: a missing one is a name that training did not have
            notes.append(
                f"{self._without} of {self._rows} {rows} have no value in "
                f"{joined(names, MOST_COLUMNS)}, where every training row has one; the mean of the "
                "training rows takes its place"
            )
        return notes

    def _on_unknown(self, feature: FittedColumn, rows: str) -> str:
        distinct = [*self._names[feature.name]]
        known = [one for one in feature.categories or [] if one is not None]
        hint = did_you_mean(str(distinct[0]), known) if len(distinct) == 1 else ""
        return (
            f"column '{feature.name}': {self._unknown[feature.name]} of {self._rows} {rows} hold "
            f"names that no training row has, {joined(map(_on_one_line, distinct), MOST_NAMES)}; "
            f"they become zeros (data.unknown){hint}"
        )


def notes_on_rows(
    features: Sequence[FittedColumn],
    table: Table,
    rows: str,
    unknown: Mapping[str, NDArray[np.bool_]],
) -> list[str]:
    """What `RowNotes` tells of one table; arguments as there."""
    notes = RowNotes(features)
    notes.add(table, unknown)
    return notes.told(rows)


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


def _on_one_line(name: str | None) -> str:
    """A name, and not the whole of a long one."""
    if name is None:
        return "(missing)"
    line = shortened(name).replace("\r", r"\r").replace("\n", r"\n")
    return f"'{printable(line)}'"
