"""What every source of rows is once it is opened: named columns, of which none is read yet."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Protocol

from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import DataError

INDEX_NAME = re.compile(r"__index_level_\d+__|Unnamed: ?\d+|")
"""What pandas names a column that holds the index of a table; in a CSV it has no name."""


class CellSource(Protocol):
    """Where cells come from, for errors."""

    origin: str
    """Its name."""
    key: str
    """The config key or argument that names it."""
    typed: bool = True
    """Whether the file itself tells the types of its columns."""

    def location(self, row: int) -> str:
        """Where a row stands, from 0: `row 3 (line 4)`."""
        return f"row {row + 1}"


class TableFile(CellSource, Protocol):
    """An opened source of rows, of which nothing but the names of its columns is read yet."""

    names: Sequence[str]
    """Of all its columns, in order."""
    index: Sequence[str] = ()
    """Those of its columns that are an index which a tool saved with the table."""

    def cells(self, names: Sequence[str]) -> Mapping[str, Any]:
        """The named columns as they lie there: Arrow arrays, or NumPy arrays of any shape."""
        ...

    def numbers_or_cells(self, names: Sequence[str], numbers: Collection[str]) -> Mapping[str, Any]:
        """As `cells`; of a large file, columns of numbers may come as `TextNumbers`.

        Args:
            names: of the columns.
            numbers: those of them that may, if they are text.
        """
        return self.cells(names)

    @property
    def written(self) -> "TableFile":
        """What stands in a copy of it; of columns of images these are the names of their files."""
        return self

    def row_names(self) -> Mapping[str, Sequence[str]]:
        """A column that says which row is which, where the rows are not those of a text."""
        return {}

    @property
    def is_large(self) -> bool:
        """Whether `batches` reads it without holding all of it."""
        return False

    def batches(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """As `cells`, so many rows at a time.

        Raises:
            DataError: if it cannot be read; what is wrong, and where, `cells` tells.
        """
        yield self.cells(names)

    def must_have(self, name: str, key: str) -> None:
        """Refuses a column that the file does not have, or has twice.

        Raises:
            DataError: naming the nearest of those that there are.
        """
        must_be_column(name, self.names, self.origin, key)
        if list(self.names).count(name) > 1:
            raise DataError(f"{self.key}: '{self.origin}' has the column '{name}' more than once")


def must_be_column(name: str, names: Sequence[str], origin: str, key: str) -> None:
    """Refuses a name that is none of the columns'.

    Raises:
        DataError: naming the nearest of those that there are.
    """
    if name not in names:
        raise DataError(
            f"{key}: no column '{name}' in {origin}; columns are "
            f"{joined(names)}{did_you_mean(name, names)}"
        )


def unequal_lengths(columns: Mapping[str, Any]) -> str:
    """The number of rows of each column where they differ, or nothing."""
    lengths = {name: len(column) for name, column in columns.items()}
    listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
    return listed if len(set(lengths.values())) > 1 else ""


def numbered_names(name: str, width: int) -> list[str]:
    """The names of the columns of a matrix: x1, x2 and on for the features, y or y1, y2 and on."""
    return [name] if width == 1 and name != "x" else [f"{name}{one + 1}" for one in range(width)]


def saved_index(names: Sequence[str]) -> list[str]:
    """The first columns that are an index by their names, and all that pandas names so."""
    first = list(takewhile(INDEX_NAME.fullmatch, names))
    return first + [name for name in names[len(first) :] if name.startswith("__index_level_")]


def names_of(value: str | Sequence[str] | None) -> list[str]:
    """One name or several, as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
