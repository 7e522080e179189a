"""What a person should know of how the columns of the training file were read."""

import re

import numpy as np

from seedbed.config.hints import in_list, of_column
from seedbed.tables.compact_dates import compact_form
from seedbed.tables.npz_file import NpzFile
from seedbed.tables.raw_column import RawColumn
from seedbed.tables.table import Column
from seedbed.tables.text_form import ISO


def note_on(raw: RawColumn, column: Column, *, holds_dates: bool) -> list[str]:
    """A sentence on a column, if there is anything to be known.

    Args:
        raw: as it lies in the file.
        column: as it is read.
        holds_dates: whether it is one of dates, and the config does not name it.
    """
    where = f"column '{raw.name}' of {raw.file.origin}"
    as_names = f"type 'data.categories=[{in_list(raw.name)}]'"
    if holds_dates:
        return [
            f"{where} holds dates; it is read as days since 1970-01-01, {as_names} for an input "
            "for each date"
        ]
    if column.kind == "number" and raw.form.date is None:
        if form := compact_form(column.values):
            example = int(column.values[np.isfinite(column.values)][0])
            instead = "write day numbers into the file" if isinstance(raw.file, NpzFile) else ""
            return [on_dates(raw.name, raw.file.origin, form, example, instead)]
        if why := _doubt(raw, column):
            return [on_doubt(raw.name, raw.file.origin, why)]
    if column.kind == "category" and raw.is_array and not raw.target:
        texts = {one.strip() for one in column.different}
        if why := _hardly_names(texts, len(column)):
            return [
                f"array '{raw.name}' of {raw.file.origin} holds text {why}; it is read as "
                f"{len(texts)} names, an input for each; write numbers into the file if it is to "
                "be one input"
            ]
    return []


def on_dates(name: str, origin: str, form: str, example: int, instead: str = "") -> str:
    """On a column of numbers such as 20240131.

    Args:
        name: of the column.
        origin: of its rows.
        form: in which all are dates.
        example: one of them.
        instead: what to do, where it is not to type the form.
    """
    instead = instead or f"type '{of_column('data.dates', name, form)}'"
    return (
        f"column '{name}' of {origin} holds whole numbers that are all dates, such as {example}; "
        f"it is read as numbers, {instead} if they are dates"
    )


def on_doubt(name: str, origin: str, why: str) -> str:
    """On a column of numbers that may be one of names, as `why` says."""
    return (
        f"column '{name}' of {origin} {why}; it is read as numbers, type "
        f"'data.categories=[{in_list(name)}]' if they are names"
    )


def _doubt(raw: RawColumn, column: Column) -> str | None:
    if raw.is_array:
        return None
    from seedbed.tables.column_kinds import doubt

    return doubt(raw.cells, column.values, typed=raw.file.typed)


def _hardly_names(texts: set[str], rows: int) -> str:
    """Why the texts of an array are hardly names; they are read so, as their type says."""
    from seedbed.tables.cells import NUMBER
    from seedbed.tables.dates import day_number
    from seedbed.tables.unlikely_names import FEW_NAMES

    if texts and all(re.match(NUMBER, one, re.ASCII) for one in texts):
        return "that is numbers"
    if texts and all(day_number(one, ISO) is not None for one in texts):
        return "that is dates"
    if len(texts) > FEW_NAMES and 2 * len(texts) > rows:
        return "that is another in nearly every row"
    return ""
