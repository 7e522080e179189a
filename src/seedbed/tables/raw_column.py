"""A column as it lies in a file, and the typed column that is made of it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seedbed.config.hints import shortened
from seedbed.errors import DataError
from seedbed.raised import first_line
from seedbed.tables.missing_numbers import without_marks
from seedbed.tables.row_names import RowNames
from seedbed.tables.table import Column, Written
from seedbed.tables.table_file import CellSource, TableFile
from seedbed.tables.text_form import ISO, CellForm, Kind, TextForm

KIND_WORDS = {
    "number": "numbers",
    "boolean": "truth values",
    "category": "names",
    "image": "images",
}


@dataclass(frozen=True)
class RawColumn:
    """A column as it lies in a file.

    Args:
        file: it is in.
        name: of it.
        cells: an Arrow array, or a NumPy array of any shape.
        form: how its text is written.
        target: whether it is one.
    """

    file: CellSource
    name: str
    cells: Any
    form: CellForm
    target: bool

    @property
    def is_array(self) -> bool:
        """Whether it is an array of NumPy, whose type is known; Arrow is not needed for it."""
        return isinstance(self.cells, np.ndarray)

    def of_kind(self, kind: Kind) -> Column:
        """The column of a kind that is known.

        Raises:
            DataError: if a cell is of another kind, or no feature can be made of the column.
        """
        if kind == "image":
            return self._of_images()
        if self.is_array:
            column = self.of_array()
            if self.cells.ndim > 1 or kind == column.kind:
                return column
            import pyarrow as pa

            return replace(self, cells=pa.array(self.cells)).of_kind(kind)
        from seedbed.tables.cells import Misfit
        from seedbed.tables.column_kinds import is_usable

        if not is_usable(self.cells.type):
            raise self.unusable()
        try:
            return self.read_as(kind)
        except Misfit as misfit:
            raise DataError(
                f"{self.file.key}: column '{self.name}' of {self.file.origin} holds "
                f"'{shortened(misfit.text)}' in {self.file.location(misfit.row)}, but "
                f"{self.words(kind)} in the run's training file; mend the cell, or leave it empty "
                "if its value is missing"
            ) from misfit

    def _of_images(self) -> Column:
        """Cells that are images, or the levels of some that a program hands in.

        Raises:
            DataError: if they are neither.
        """
        from seedbed.tables.images.handed_levels import image_cells

        cells = image_cells(self.cells, f"{self.file.key}: '{self.name}' of {self.file.origin}")
        return Column("image", cells.rows, pixels=cells.pixels)

    def read_as(self, kind: Kind) -> Column:
        """Arrow's cells as a column; a target keeps how they are written, for names of classes.

        Raises:
            Misfit: for the first cell of another kind.
            DataError: if Arrow cannot make text of them, such as a moment beyond all years.
        """
        import pyarrow as pa

        from seedbed.tables.cells import names, numbers, truths
        from seedbed.tables.date_parts import date_parts

        try:
            if kind == "category":
                marks = self.form.marks("number") if self.target else ()
                return Column.of_names(names(self.cells, self.form, marks))
            read = numbers if kind == "number" else truths
            values = read(self.cells, self.form)
            if self.form.parts and not self.target:
                parts = tuple(self.form.parts)
                return Column(kind, date_parts(values, parts), parts=parts)
            return Column(kind, values, written=self.written)
        except pa.ArrowException as err:
            raise DataError(
                f"column '{self.name}' holds {self.cells.type} that cannot be read: "
                f"{first_line(err)}"
            ) from err

    @property
    def written(self) -> Written | None:
        """How the cells are written; None where nobody asks."""
        return Written(self.cells, self.form) if self.target else None

    def of_array(self) -> Column:
        """A column by the type of its array.

        Raises:
            DataError: if it holds neither numbers, booleans nor text, or nothing in its rows.
        """
        array, where = self.cells, f"{self.file.key}: array '{self.name}' of '{self.file.origin}'"
        if len(array) and not array.size:
            raise DataError(f"{where} holds no number: its shape is {array.shape}")
        if array.dtype.kind in "US":
            return Column.of_names(_texts(flat(array), where))
        if array.dtype.kind == "b":
            return Column("boolean", array.astype(np.float64))
        if array.dtype.kind not in "iuf":
            raise DataError(f"{where} has type {array.dtype}, not numbers")
        whole = array.dtype.kind in "iu"
        written = Written(array, self.form) if whole and array.ndim == 1 else None
        values = without_marks(array.astype(np.float64), self.form)
        return Column("number", values, whole, written)

    def unusable(self, hint: str = "") -> DataError:
        """The error of a column whose type no feature can be made of."""
        return DataError(
            f"{self.file.key}: '{self.file.origin}': column '{self.name}' holds "
            f"{self.cells.type}, which no feature can be made of{hint}"
        )

    def words(self, kind: Kind) -> str:
        """What a column of that kind holds, in words."""
        if self.form.date is not None:
            return "dates" + ("" if self.form.date == ISO else f" of the form {self.form.date}")
        if self.form.unit is not None:
            return f"numbers with '{self.form.unit}'"
        return KIND_WORDS[kind]


def raw_columns(
    file: TableFile,
    names: Sequence[str],
    targets: Sequence[str],
    text: TextForm,
    numbers: Collection[str] = (),
) -> Iterator[RawColumn]:
    """The columns of a file, of targets of one value a row these values.

    All of them are read at once; each one's cells are forgotten with it.

    Args:
        file: opened.
        names: of the columns that are no targets.
        targets: likewise of those that are.
        text: how their text is written.
        numbers: columns that are of numbers, or may be.
    """
    every = list(dict.fromkeys([*names, *targets]))
    plain = [one for one in names if one in numbers and text.of(one).is_bare and one not in targets]
    cells = dict(file.numbers_or_cells(every, plain))
    for name in [*cells]:
        one, form = cells.pop(name), text.of(name)
        target = name in targets
        yield RawColumn(file, name, flat(one) if target else one, form, target)


def flat(cells: Any) -> Any:
    """Values of one a row, whether they lie in a column of their own or not.

    Shape:
        an array of (rows, 1) -> (rows,); all others stay as they are
    """
    in_column = isinstance(cells, np.ndarray) and cells.ndim == 2 and cells.shape[1] == 1
    return cells[:, 0] if in_column else cells


def _texts(array: Any, where: str) -> RowNames:
    """The texts of an array; empty ones are missing."""
    if array.ndim > 1:
        raise DataError(
            f"{where} holds text of shape {array.shape[1:]} a row; a column of names has one name "
            "a row"
        )
    try:
        texts = array.astype(str).tolist()
    except UnicodeError as err:
        raise DataError(f"{where} holds bytes that are no text") from err
    return RowNames.of([text if text.strip() else None for text in texts])
