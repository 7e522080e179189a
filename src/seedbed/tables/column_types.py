"""The types of a run's columns: found on the training file once, and asked by every later reader.

They are kept in `preprocessing.json`. Each format has one reader, a `TableFile`, that gives the
cells of named columns as they lie in the file; here they are typed (`cells.py`). What else decides
how a column is read belongs into `ColumnTypes`, so that all later files and rows are read alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import DataError
from seedbed.tables.kind import Kind
from seedbed.tables.npz_file import array_column, target_array
from seedbed.tables.table import Column, Table
from seedbed.tables.text_form import ISO, CellForm, TextForm

MOST_SHOWN = 60
"""Characters of a cell in an error."""

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

    @property
    def index(self) -> Sequence[str]:
        """Those of its columns that are an index which a tool saved with the table."""
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
            f"{joined(file.names)}{did_you_mean(name, file.names)}"
        )
    if list(file.names).count(name) > 1:
        raise DataError(f"{file.key}: '{file.origin}' has the column '{name}' more than once")


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
        name: told_column(file, name, cells[name], types, target=name in targets) for name in wanted
    }
    return Table(columns, file.origin)


def told_column(
    file: TableFile, name: str, cells: Any, types: ColumnTypes, *, target: bool
) -> Column:
    """A column of a kind that is known.

    Args:
        file: it is in.
        name: of it; `types` has its kind.
        cells: as they lie there.
        types: of the run.
        target: whether it is one.

    Raises:
        DataError: if a cell is of another kind, or no feature can be made of the column.
    """
    kind, form = types.kinds[name], types.text.of(name)
    cells = target_array(cells) if target else cells
    if isinstance(cells, np.ndarray):
        plain = array_column(cells, name, file)
        if cells.ndim > 1 or kind == plain.kind:
            return plain
        import pyarrow as pa

        cells = pa.array(cells)
    from seedbed.tables.cells import Misfit
    from seedbed.tables.column_kinds import is_usable

    if not is_usable(cells.type):
        raise unusable(file, name, cells)
    try:
        return typed(name, cells, kind, form, target=target)
    except Misfit as misfit:
        words, place = words_for(kind, form), file.place(misfit.row)
        raise DataError(
            f"{file.key}: column '{name}' of {file.origin} holds '{cut_text(misfit.text)}' in "
            f"{place}, but {words} in the run's training file; mend the cell, or leave it empty "
            "if its value is missing"
        ) from misfit


def typed(name: str, cells: Any, kind: Kind, form: CellForm, *, target: bool) -> Column:
    """Cells of one kind as a column; a target keeps how they are written, for names of classes.

    Raises:
        Misfit: for the first cell of another kind.
        DataError: if Arrow cannot make text of them, such as a moment beyond all years.
    """
    import pyarrow as pa

    from seedbed.tables import cells as reading

    try:
        if kind == "category":
            marks = form.marks("number") if target else ()
            return Column("category", reading.names(cells, form, marks))
        read = reading.numbers if kind == "number" else reading.truths
        written = reading.Written(cells, form) if target else None
        return Column(kind, read(cells, form), written=written)
    except pa.ArrowException as err:
        said = str(err).partition("\n")[0]
        raise DataError(f"column '{name}' holds {cells.type} that cannot be read: {said}") from err


def unusable(file: TableFile, name: str, cells: Any, hint: str = "") -> DataError:
    """The error of a column whose type no feature can be made of."""
    return DataError(
        f"{file.key}: '{file.origin}': column '{name}' holds {cells.type}, which no feature can be "
        f"made of{hint}"
    )


def words_for(kind: Kind, form: CellForm) -> str:
    """What a column holds, in words."""
    if form.date is not None:
        return "dates" + ("" if form.date == ISO else f" of the form {form.date}")
    if form.unit is not None:
        return f"numbers with '{form.unit}'"
    return KIND_WORDS[kind]


def cut_text(text: str) -> str:
    """A cell for an error."""
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."
