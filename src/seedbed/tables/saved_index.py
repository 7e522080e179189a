"""Columns that hold the index of a table, which a tool saved beside its columns."""

import re
from collections.abc import Sequence

INDEX_NAME = re.compile(r"__index_level_\d+__|Unnamed: ?\d+|")
"""What pandas names a column that holds the index of a table; in a CSV it has no name."""


def saved_index(names: Sequence[str]) -> list[str]:
    """The first columns that are an index by their names."""
    found: list[str] = []
    for name in names:
        if not INDEX_NAME.fullmatch(name):
            break
        found.append(name)
    return [
        *found,
        *(one for one in names if one.startswith("__index_level_") and one not in found),
    ]
