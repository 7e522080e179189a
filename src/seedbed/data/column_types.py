"""The types of a run's columns: found on the training file once, and asked by every later reader.

They are kept in `preprocessing.json`. Each format has one reader, a `TableFile`, that gives the
cells of named columns as they lie in the file; here they are typed (`cells.py`). What else decides
how a column is read belongs into `ColumnTypes`, so that all later files and rows are read alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from seedbed.config.hints import cut, did_you_mean, in_list, shown
from seedbed.data.npz_file import array_column
from seedbed.data.table import Column, Kind, Table
from seedbed.data.text_form import ISO, CellForm, TextForm
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
    dates: dict[str, str] = {}
    columns, problems = {}, {}
    for name, one in cells.items():
        plain = _plain_numbers(name, one, types, target=name in targets)
        if plain is not None:
            columns[name] = plain
            continue
        try:
            if name not in types.kinds and _holds_dates(file, name, one, types):
                dates[name] = ISO
            named = {name: dates[name]} if name in dates else {}
            own = replace(types, text=types.text.with_dates(named))
            columns[name] = _column(file, name, one, own, target=name in targets)
        except DataError as err:
            problems[name] = str(err)
    _refuse_together(problems, targets)
    text = types.text.with_dates(dates)
    notes = [*_notes(columns, cells, file, text), *_date_notes(dates, file)]
    return Table(columns, file.origin, notes=notes, text=text)


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
    kind, form = types.kinds.get(name), types.text.of(name)
    if isinstance(cells, np.ndarray):
        plain = array_column(cells, name, file)
        if cells.ndim > 1 or kind in (None, plain.kind):
            return plain
        import pyarrow as pa

        cells = pa.array(cells)
    from seedbed.data import cells as reading

    try:
        found = kind or reading.kind_of(cells, form)
        if found is None or not reading.is_usable(cells.type):
            raise DataError(
                f"{file.key}: '{file.origin}': column '{name}' holds {cells.type}, which no "
                f"feature can be made of{_drop_hint(name, kind, target=target)}"
            )
        if kind is None and found == "category":
            _refuse_names(file, name, cells, form, target=target)
        return _typed(cells, found, form, target=target)
    except reading.Misfit as misfit:
        if kind is None:
            _refuse_names(file, name, cells, form, target=target, slip=True)
        raise _misfit(file, name, misfit.row, misfit.text, kind, form) from misfit


def _plain_numbers(name: str, cells: Any, types: ColumnTypes, *, target: bool) -> Column | None:
    """A column of text of which nothing is said and that holds numbers alone, or None."""
    if isinstance(cells, np.ndarray) or name in types.kinds:
        return None
    from seedbed.data import cells as reading

    form = types.text.of(name)
    floats = reading.plain_numbers(cells, form)
    written = reading.Written(cells, form) if target else None
    return None if floats is None else Column("number", floats, written=written)


def _typed(cells: Any, kind: Kind, form: CellForm, *, target: bool) -> Column:
    from seedbed.data import cells as reading

    if kind == "category":
        marks = form.marks("number") if target else ()
        return Column("category", reading.names(cells, form, marks))
    read = reading.numbers if kind == "number" else reading.truths
    written = reading.Written(cells, form) if target else None
    return Column(kind, read(cells, form), written=written)


def _holds_dates(file: TableFile, name: str, cells: Any, types: ColumnTypes) -> bool:
    """Whether a column that nothing is said of is one of dates, as ISO 8601 has them."""
    form = types.text.of(name)
    if isinstance(cells, np.ndarray) or form.date is not None:
        return False
    from seedbed.data import cells as reading

    try:
        return reading.holds_dates(cells, form)
    except reading.Misfit as misfit:
        raise _misfit(
            file, name, misfit.row, misfit.text, None, replace(form, date=ISO)
        ) from misfit


def _refuse_names(
    file: TableFile, name: str, cells: Any, form: CellForm, *, target: bool, slip: bool = False
) -> None:
    """Refuses a column of text that is hardly one of names; nothing is said of it.

    Args:
        file: it is in.
        name: of it.
        cells: as they lie there.
        form: as they are read.
        target: whether it is one.
        slip: whether most of its cells are numbers, and the others are told by their row.
    """
    from seedbed.data import cells as reading
    from seedbed.data.objections import objection

    if not reading.is_text(cells.type):
        return
    if why := objection(cells, name, form, target=target, slip=slip):
        raise DataError(
            f"'{file.origin}': column '{name}' {why}; or "
            f"'data.categories=[{in_list(name)}]' if they are names"
        )


def _refuse_together(problems: Mapping[str, str], targets: Sequence[str]) -> None:
    """Says all that is wrong with the columns at once."""
    features = [name for name in problems if name not in targets]
    more = []
    if len(features) > 1:
        more = [f"to leave all of these columns out, type 'data.drop=[{in_list(*features)}]'"]
    if problems:
        raise DataError(*cut([*problems.values()]), *more)


def _drop_hint(name: str, kind: Kind | None, *, target: bool) -> str:
    return (
        f"; type 'data.drop=[{in_list(name)}]' to leave it out"
        if kind is None and not target
        else ""
    )


def _date_notes(dates: Mapping[str, str], file: TableFile) -> list[str]:
    return [
        f"column '{name}' of {file.origin} holds dates; it is read as days since 1970-01-01, type "
        f"'data.categories=[{in_list(name)}]' for an input for each date"
        for name in dates
    ]


def _misfit(
    file: TableFile, name: str, row: int, text: str, kind: Kind | None, form: CellForm
) -> DataError:
    place = file.place(row)
    shown_text = text if len(text) <= 60 else f"{text[:57]}..."
    words = KIND_WORDS[kind or "number"]
    if form.date is not None:
        words = "dates" + ("" if form.date == ISO else f" of the form {form.date}")
    elif form.unit is not None:
        words = f"numbers with '{form.unit}'"
    if kind is None:
        return DataError(
            f"'{file.origin}': column '{name}' holds {words}, but {place} holds '{shown_text}'; "
            f"mend it, or type 'data.categories=[{in_list(name)}]' if they are names, or "
            f"'data.missing=[{_quoted(shown_text)}]' if it stands for a missing value"
        )
    return DataError(
        f"{file.key}: column '{name}' of {file.origin} holds '{shown_text}' in {place}, but "
        f"{words} in the run's training file; mend the cell, or leave it empty if its "
        "value is missing"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _notes(
    columns: Mapping[str, Column], cells: Mapping[str, Any], file: TableFile, text: TextForm
) -> list[str]:
    """What a person should know of columns that were read as numbers."""
    notes = []
    for name, column in columns.items():
        is_date = text.of(name).date is not None
        if column.kind != "number" or is_date or isinstance(cells[name], np.ndarray):
            continue
        from seedbed.data.cells import doubt

        if why := doubt(cells[name], column.values, typed=file.typed):
            notes.append(
                f"column '{name}' of {file.origin} {why}; it is read as numbers, type "
                f"'data.categories=[{in_list(name)}]' if they are names"
            )
    return notes
