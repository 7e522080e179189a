"""Arrays of text: read as names, as their type says, and told where they hardly hold names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seedbed.tables.table import Column


def notes_on_text(
    columns: Mapping[str, Column], cells: Mapping[str, Any], targets: Sequence[str], origin: str
) -> list[str]:
    """A sentence for each feature whose texts are numbers, dates, or nearly one a row.

    Args:
        columns: as they are read.
        cells: as they lie in the file.
        targets: names of those that are no features.
        origin: the file, for the note.
    """
    notes = []
    for name, column in columns.items():
        is_text = column.kind == "category" and isinstance(cells[name], np.ndarray)
        if not is_text or name in targets:
            continue
        texts = {one.strip() for one in column.values.tolist() if one is not None}
        if why := _hardly_names(texts, len(column)):
            notes.append(
                f"array '{name}' of {origin} holds text {why}; it is read as {len(texts)} names, "
                "an input for each; write numbers into the file if it is to be one input"
            )
    return notes


def _hardly_names(texts: set[str], rows: int) -> str:
    from seedbed.tables.cells import NUMBER
    from seedbed.tables.dates import day_number
    from seedbed.tables.objections import FEW_NAMES
    from seedbed.tables.text_form import ISO

    if texts and all(re.match(NUMBER, one, re.ASCII) for one in texts):
        return "that is numbers"
    if texts and all(day_number(one, ISO) is not None for one in texts):
        return "that is dates"
    if len(texts) > FEW_NAMES and 2 * len(texts) > rows:
        return "that is another in nearly every row"
    return ""
