"""Names that training did not have, counted, so that they are said wherever rows are measured."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import did_you_mean, joined
from seedbed.data.fitted_column import FittedColumn
from seedbed.runs.files import printable
from seedbed.tables.column_types import cut_text
from seedbed.tables.spellings import KnownNames
from seedbed.tables.table import Table

MOST_SHOWN = 3
"""Names told of one column."""


def unknown_rows(features: Sequence[FittedColumn], table: Table) -> dict[str, NDArray[np.bool_]]:
    """By feature, which rows hold a name that training did not have; no entry where none does.

    Args:
        features: of the run.
        table: the rows.
    """
    found = {}
    for feature in features:
        if feature.categories is None:
            continue
        names = table.columns[feature.name].as_category().values.tolist()
        unknown = np.array(KnownNames(feature.categories).places(names), dtype=np.int64) < 0
        if unknown.any():
            found[feature.name] = unknown
    return found


def unknown_notes(
    features: Sequence[FittedColumn],
    table: Table,
    unknown: Mapping[str, NDArray[np.bool_]],
    rows: str,
) -> list[str]:
    """A sentence for each column.

    Args:
        features: of the run.
        table: the rows.
        unknown: as `unknown_rows` found them.
        rows: what they are: `test rows`, `rows of new.csv`.
    """
    notes = []
    for feature in features:
        if feature.name not in unknown:
            continue
        at = unknown[feature.name]
        names = table.columns[feature.name].as_category().values[at].tolist()
        distinct = list(dict.fromkeys(names))
        known = [one for one in feature.categories or [] if one is not None]
        told = joined([_told(one) for one in distinct], MOST_SHOWN)
        hint = did_you_mean(str(distinct[0]), known) if len(distinct) == 1 else ""
        notes.append(
            f"column '{feature.name}': {int(at.sum())} of {len(at)} {rows} hold names that no "
            f"training row has, {told}; they become zeros (data.unknown){hint}"
        )
    return notes


def _told(name: str | None) -> str:
    """On one line, and not the whole of a text."""
    if name is None:
        return "(missing)"
    line = cut_text(name).replace("\r", r"\r").replace("\n", r"\n")
    return f"'{printable(line)}'"
