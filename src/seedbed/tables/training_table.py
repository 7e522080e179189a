"""The training file's table: what its columns hold is looked at, and is so for the whole run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from seedbed.config.hints import cut, in_list, quoted, shortened
from seedbed.errors import DataError
from seedbed.tables.column_notes import note_on
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.raw_column import RawColumn, raw_columns
from seedbed.tables.table import Column, Table
from seedbed.tables.table_file import TableFile
from seedbed.tables.text_form import ISO

if TYPE_CHECKING:
    from seedbed.tables.cells import Misfit


def first_table(
    file: TableFile, features: Sequence[str], targets: Sequence[str], types: ColumnTypes
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
    numbers = [name for name in features if types.kinds.get(name, "number") == "number"]
    raw = raw_columns(file, features, targets, types.text, numbers)
    return table_of(raw, file.origin, targets, types)


def table_of(
    raw_cells: Iterable[RawColumn], origin: str, targets: Sequence[str], types: ColumnTypes
) -> Table:
    """The table of columns as they lie in a training file.

    Args:
        raw_cells: the columns.
        origin: of them, for errors.
        targets: those that are.
        types: what the config says of columns; all others are looked at.

    Raises:
        DataError: as `first_table`.
    """
    columns: dict[str, Column] = {}
    dates, notes, problems = {}, [], {}
    for raw in raw_cells:
        kind, holds_dates = types.kinds.get(raw.name), False
        try:
            if kind is not None:
                column = raw.of_kind(kind)
            else:
                column, holds_dates = _inspected(raw)
        except DataError as err:
            problems[raw.name] = str(err)
            continue
        columns[raw.name] = column
        if holds_dates:
            dates[raw.name] = ISO
        notes += note_on(raw, column, holds_dates=holds_dates)
    _refuse_together(problems, targets)
    return Table(columns, origin, notes=notes, text=types.text.with_dates(dates))


def _inspected(raw: RawColumn) -> tuple[Column, bool]:
    """A column that nothing is said of, by what its cells are; and whether they are dates."""
    if raw.is_array:
        return raw.of_array(), False
    from seedbed.tables.cells import Misfit, is_text, text_numbers
    from seedbed.tables.column_kinds import holds_dates, is_usable, kind_of

    cells, form = raw.cells, raw.form
    if form.date is None:
        if is_text(cells.type) and (numbers := text_numbers(cells, form)) is not None:
            return Column("number", numbers, written=raw.written), False
        dated = replace(raw, form=replace(form, date=ISO))
        try:
            if holds_dates(cells, form):
                return dated.read_as("number"), True
        except Misfit as misfit:
            raise _slip(dated, misfit) from misfit
    try:
        kind = kind_of(cells, form)
        if kind is None or not is_usable(cells.type):
            drop = f"; type 'data.drop=[{in_list(raw.name)}]' to leave it out"
            raise raw.unusable("" if raw.target else drop)
        if kind == "category":
            _refuse_names(raw)
        return raw.read_as(kind), False
    except Misfit as misfit:
        _refuse_names(raw, slip=True)
        raise _slip(raw, misfit) from misfit


def _refuse_names(raw: RawColumn, *, slip: bool = False) -> None:
    """Refuses a column of text that is hardly one of names; nothing is said of it.

    Args:
        raw: the column.
        slip: whether most of its cells are numbers, and the others are named by their row.
    """
    from seedbed.tables.cells import is_text
    from seedbed.tables.unlikely_names import why_not_names

    if is_text(raw.cells.type) and (why := why_not_names(raw, slip=slip)):
        drop = "" if raw.target or "data.drop" in why else f", {_drop(raw)}"
        raise DataError(
            f"'{raw.file.origin}': column '{raw.name}' {why}; or "
            f"'data.categories=[{in_list(raw.name)}]' if they are names{drop}"
        )


def _drop(raw: RawColumn) -> str:
    return f"'data.drop=[{in_list(raw.name)}]' to leave the column out"


def _refuse_together(problems: Mapping[str, str], targets: Sequence[str]) -> None:
    """Says all that is wrong with the columns at once."""
    features = [name for name in problems if name not in targets]
    more = []
    if len(features) > 1:
        more = [f"to leave all of these columns out, type 'data.drop=[{in_list(*features)}]'"]
    if problems:
        raise DataError(*cut([*problems.values()]), *more)


def _slip(raw: RawColumn, misfit: "Misfit") -> DataError:
    """The error of a cell that is not of the kind of nearly all others of its column."""
    text = shortened(misfit.text)
    drop = "" if raw.target else f", or {_drop(raw)}"
    if raw.form.parts:
        parts = in_list(*raw.form.parts)
        form = f'{{form: "%d.%m.%Y", parts: [{parts}]}}'
        drop += f"; dates of one other form: 'data.dates={{{in_list(raw.name)}: {form}}}'"
    return DataError(
        f"'{raw.file.origin}': column '{raw.name}' holds {raw.words('number')}, but "
        f"{raw.file.location(misfit.row)} holds '{text}'; mend it, or type "
        f"'data.categories=[{in_list(raw.name)}]' if they are names, or "
        f"'data.missing=[{quoted(text)}]' if it stands for a missing value{drop}"
    )
