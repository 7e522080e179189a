"""What a person should know of validation and test rows, as the training rows have it."""

from collections.abc import Mapping

from seedbed.data.missing_values import notes_on_missing
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.unknown_names import unknown_notes, unknown_rows
from seedbed.tables.table import Table


def held_out_notes(
    preprocessing: Preprocessing, table: Table, parts: Mapping[str, Table | None]
) -> list[str]:
    """How many rows of each part hold names, or miss values, as no training row does.

    Args:
        preprocessing: fitted on the training rows.
        table: all rows of the training file.
        parts: the others, by name; rows of this table, or of another file.
    """
    notes, features = [], preprocessing.features
    for name, part in parts.items():
        if part is None:
            continue
        if preprocessing.has_names:
            unknown = unknown_rows(features, part)
            notes += unknown_notes(features, part, unknown, f"{name} rows")
        if table.has_gaps or part.origin != table.origin:
            notes += notes_on_missing(features, part, f"{name} rows")
    return notes
