"""The types of a run's columns: found on the training file once, and asked by every later reader.

They are kept in `preprocessing.json`. Each format has one reader, a `TableFile`, that gives the
cells of named columns as they lie in the file; here they are typed (`cells.py`). What else decides
how a column is read belongs into `ColumnTypes`, so that all later files and rows are read alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from seedbed.config.hints import did_you_mean, shown
from seedbed.data.npz_file import array_column
from seedbed.data.table import Column, Kind, Table
from seedbed.data.text_form import TextForm
from seedbed.errors import DataError

KIND_WORDS = {"number": "numbers", "boolean": "truth values", "category": "names"}


class TableFile(Protocol):
    """An opened source of rows, of which nothing but the names of its columns is read yet."""

    origin: str
    """Its name, for errors."""
    key: str
    """The config key or argument that names it."""
    typed: bool
    """Whether the file itself tells the types of its columns."""

    @property
    def names(self) -> Sequence[str]:
        """Of all its columns, in order."""
        ...

    def cells(self, names: Sequence[str]) -> Mapping[str, Any]:
        """The named columns as they lie there: Arrow arrays, or NumPy arrays of any shape."""
        ...

    def place(self, row: int) -> str:
        """Where a row stands, from 0: `row 3 (line 4)`."""
        ...


@dataclass(frozen=True)
class ColumnTypes:
    """How every column that a run uses is read.

    Args:
        kinds: of the features and targets, by name.
        text: how their text is written.
    """

    kinds: Mapping[str, Kind]
    text: TextForm


def must_have(file: TableFile, name: str, key: str) -> None:
    """Refuses a column that the file does not have, or has twice.

    Raises:
        DataError: naming the nearest of those that there are.
    """
    if name not in file.names:
        raise DataError(
            f"{key}: no column '{name}' in {file.origin}; columns are "
            f"{shown(file.names)}{did_you_mean(name, file.names)}"
        )
    if list(file.names).count(name) > 1:
        raise DataError(f"{file.key}: '{file.origin}' has the column '{name}' more than once")


def first_table(
    file: TableFile,
    features: Sequence[str],
    targets: Sequence[str],
    types: ColumnTypes,
) -> Table:
    """The training file's table; its columns' kinds are those of the run.

    Args:
        file: opened.
        features: columns to read, all of them there.
        targets: likewise.
        types: what the config says of columns; all others are looked at.

    Raises:
        DataError: for a column that no feature can be made of, or of numbers with a slip.
    """
    cells = file.cells(list(dict.fromkeys([*features, *targets])))
    columns = {
        name: _column(file, name, one, types, target=name in targets) for name, one in cells.items()
    }
    return Table(columns, file.origin, notes=_notes(columns, cells, file))


def later_table(
    file: TableFile, names: Sequence[str], types: ColumnTypes, targets: Sequence[str] = ()
) -> Table:
    """The table of any file after the training file, by the run's types.

    Args:
        file: opened.
        names: of the features to read.
        types: of the run.
        targets: columns of theirs to read as well.

    Raises:
        DataError: if a column is missing, or a cell is not of the run's kind.
    """
    wanted = list(dict.fromkeys([*names, *targets]))
    for name in wanted:
        must_have(file, name, file.key)
    cells = file.cells(wanted)
    columns = {
        name: _column(file, name, cells[name], types, target=name in targets) for name in wanted
    }
    return Table(columns, file.origin)


def _column(file: TableFile, name: str, cells: Any, types: ColumnTypes, *, target: bool) -> Column:
    """One column, by the run's kind of it, or else by what its cells are."""
    kind = types.kinds.get(name)
    if isinstance(cells, np.ndarray):
        plain = array_column(cells, name, file)
        if cells.ndim > 1 or kind in (None, plain.kind):
            return plain
        import pyarrow as pa

        cells = pa.array(cells)
    from seedbed.data import cells as reading

    try:
        found = kind or reading.kind_of(cells, types.text)
        if found is None or (kind and not reading.is_usable(cells.type)):
            raise DataError(
                f"{file.key}: '{file.origin}': column '{name}' holds {cells.type}, which no "
                "feature can be made of"
            )
        return _typed(cells, found, types.text, target=target)
    except reading.Misfit as misfit:
        raise _misfit(file, name, misfit.row, misfit.text, kind) from misfit


def _typed(cells: Any, kind: Kind, text: TextForm, *, target: bool) -> Column:
    from seedbed.data import cells as reading

    if kind == "category":
        marks = text.marks("number") if target else ()
        return Column("category", reading.names(cells, text, marks))
    read = reading.numbers if kind == "number" else reading.truths
    written = reading.Written(cells, text) if target else None
    return Column(kind, read(cells, text), written=written)


def _misfit(file: TableFile, name: str, row: int, text: str, kind: Kind | None) -> DataError:
    place = file.place(row)
    shown_text = text if len(text) <= 60 else f"{text[:57]}..."
    if kind is None:
        return DataError(
            f"'{file.origin}': column '{name}' holds numbers, but {place} holds '{shown_text}'; "
            f"mend it, or type 'data.categories=[{name}]' if they are names"
        )
    return DataError(
        f"{file.key}: column '{name}' of {file.origin} holds '{shown_text}' in {place}, but "
        f"{KIND_WORDS[kind]} in the run's training file; mend the cell, or leave it empty if its "
        "value is missing"
    )


def _notes(columns: Mapping[str, Column], cells: Mapping[str, Any], file: TableFile) -> list[str]:
    """What a person should know of columns that were read as numbers."""
    notes = []
    for name, column in columns.items():
        if column.kind != "number" or isinstance(cells[name], np.ndarray):
            continue
        from seedbed.data.cells import doubt

        if why := doubt(cells[name], column.values, typed=file.typed):
            notes.append(
                f"column '{name}' of {file.origin} {why}; it is read as numbers, type "
                f"'data.categories=[{name}]' if they are names"
            )
    return notes
