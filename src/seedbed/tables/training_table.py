"""The training file's table: what its columns hold is looked at, and is so for the whole run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed.config.hints import cut, in_list, of_column
from seedbed.errors import DataError
from seedbed.tables.array_text import notes_on_text
from seedbed.tables.column_types import (
    ColumnTypes,
    TableFile,
    cut_text,
    told_column,
    typed,
    unusable,
    words_for,
)
from seedbed.tables.compact_dates import compact_form
from seedbed.tables.npz_file import NpzFile, array_column, target_array
from seedbed.tables.table import Column, Table
from seedbed.tables.text_form import ISO, CellForm, TextForm

if TYPE_CHECKING:
    from seedbed.tables.cells import Misfit


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
        target = name in targets
        one = target_array(one) if target else one
        plain = _plain_numbers(name, one, types, target=target)
        if plain is not None:
            columns[name] = plain
            continue
        try:
            if name not in types.kinds and _holds_dates(file, name, one, types, target=target):
                dates[name] = ISO
            named = {name: dates[name]} if name in dates else {}
            own = replace(types, text=types.text.with_dates(named))
            columns[name] = _column(file, name, one, own, target=target)
        except DataError as err:
            problems[name] = str(err)
    _refuse_together(problems, targets)
    text = types.text.with_dates(dates)
    notes = [
        *_notes(columns, cells, file, text),
        *_date_notes(dates, file),
        *notes_on_text(columns, cells, targets, file.origin),
    ]
    return Table(columns, file.origin, notes=notes, text=text)


def _column(file: TableFile, name: str, cells: Any, types: ColumnTypes, *, target: bool) -> Column:
    """One column, by what the config says of it, or else by what its cells are."""
    form = types.text.of(name)
    if name in types.kinds:
        return told_column(file, name, cells, types, target=target)
    if isinstance(cells, np.ndarray):
        return array_column(cells, name, file)
    from seedbed.tables.cells import Misfit
    from seedbed.tables.column_kinds import is_usable, kind_of

    try:
        kind = kind_of(cells, form)
        if kind is None or not is_usable(cells.type):
            drop = "" if target else f"; type 'data.drop=[{in_list(name)}]' to leave it out"
            raise unusable(file, name, cells, drop)
        if kind == "category":
            _refuse_names(file, name, cells, form, target=target)
        return typed(name, cells, kind, form, target=target)
    except Misfit as misfit:
        _refuse_names(file, name, cells, form, target=target, slip=True)
        raise _slip(file, name, misfit, form, target=target) from misfit


def _plain_numbers(name: str, cells: Any, types: ColumnTypes, *, target: bool) -> Column | None:
    """A column of text of which nothing is said and that holds numbers alone, or None."""
    if isinstance(cells, np.ndarray) or name in types.kinds:
        return None
    from seedbed.tables import cells as reading

    form = types.text.of(name)
    floats = reading.plain_numbers(cells, form)
    written = reading.Written(cells, form) if target else None
    return None if floats is None else Column("number", floats, written=written)


def _holds_dates(
    file: TableFile, name: str, cells: Any, types: ColumnTypes, *, target: bool
) -> bool:
    """Whether a column that nothing is said of is one of dates, as ISO 8601 has them."""
    form = types.text.of(name)
    if isinstance(cells, np.ndarray) or form.date is not None:
        return False
    from seedbed.tables.cells import Misfit
    from seedbed.tables.column_kinds import holds_dates

    try:
        return holds_dates(cells, form)
    except Misfit as misfit:
        raise _slip(file, name, misfit, replace(form, date=ISO), target=target) from misfit


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
    from seedbed.tables.cells import is_text
    from seedbed.tables.objections import objection

    if not is_text(cells.type):
        return
    if why := objection(cells, name, form, target=target, slip=slip):
        drop = "" if target or "data.drop" in why else f", {_drop(name)}"
        raise DataError(
            f"'{file.origin}': column '{name}' {why}; or "
            f"'data.categories=[{in_list(name)}]' if they are names{drop}"
        )


def _drop(name: str) -> str:
    return f"'data.drop=[{in_list(name)}]' to leave the column out"


def _refuse_together(problems: Mapping[str, str], targets: Sequence[str]) -> None:
    """Says all that is wrong with the columns at once."""
    features = [name for name in problems if name not in targets]
    more = []
    if len(features) > 1:
        more = [f"to leave all of these columns out, type 'data.drop=[{in_list(*features)}]'"]
    if problems:
        raise DataError(*cut([*problems.values()]), *more)


def _slip(
    file: TableFile, name: str, misfit: "Misfit", form: CellForm, *, target: bool
) -> DataError:
    """The error of a cell that is not of the kind of nearly all others of its column."""
    text = cut_text(misfit.text)
    drop = "" if target else f", or {_drop(name)}"
    return DataError(
        f"'{file.origin}': column '{name}' holds {words_for('number', form)}, but "
        f"{file.place(misfit.row)} holds '{text}'; mend it, or type "
        f"'data.categories=[{in_list(name)}]' if they are names, or "
        f"'data.missing=[{_quoted(text)}]' if it stands for a missing value{drop}"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _date_notes(dates: Mapping[str, str], file: TableFile) -> list[str]:
    return [
        f"column '{name}' of {file.origin} holds dates; it is read as days since 1970-01-01, type "
        f"'data.categories=[{in_list(name)}]' for an input for each date"
        for name in dates
    ]


def _notes(
    columns: Mapping[str, Column], cells: Mapping[str, Any], file: TableFile, text: TextForm
) -> list[str]:
    """What a person should know of columns that were read as numbers."""
    notes = []
    for name, column in columns.items():
        if column.kind != "number" or text.of(name).date is not None:
            continue
        if form := compact_form(column.values):
            notes.append(_compact_note(name, form, column, file))
            continue
        if isinstance(cells[name], np.ndarray):
            continue
        from seedbed.tables.column_kinds import doubt

        if why := doubt(cells[name], column.values, typed=file.typed):
            notes.append(
                f"column '{name}' of {file.origin} {why}; it is read as numbers, type "
                f"'data.categories=[{in_list(name)}]' if they are names"
            )
    return notes


def _compact_note(name: str, form: str, column: Column, file: TableFile) -> str:
    example = int(column.values[np.isfinite(column.values)][0])
    instead = f"type '{of_column('data.dates', name, form)}'"
    if isinstance(file, NpzFile):
        instead = "write day numbers into the file"
    return (
        f"column '{name}' of {file.origin} holds whole numbers that are all dates, such as "
        f"{example}; it is read as numbers, {instead} if they are dates"
    )
