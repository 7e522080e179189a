"""A table in memory: named columns of numbers, booleans or names, and arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.tables.row_names import RowNames
from seedbed.tables.spellings import number_name, unified
from seedbed.tables.table_file import must_be_column
from seedbed.tables.text_form import CellForm, Kind, TextForm

if TYPE_CHECKING:
    from seedbed.tables.images.pixels import Pixels


@dataclass(frozen=True)
class Written:
    """How a file writes the cells of a target of numbers or booleans, which may name classes.

    Args:
        cells: an Arrow array, or integers of NumPy.
        form: how they are written.
    """

    cells: Any
    form: CellForm

    def names(self) -> RowNames:
        """Each cell as a name."""
        if isinstance(self.cells, np.ndarray):
            different, indices = np.unique(self.cells, return_inverse=True)
            return RowNames(indices.astype(np.int32), [str(one) for one in different.tolist()])
        from seedbed.tables.cells import names_of_values

        return names_of_values(self.cells, self.form)

    def taken(self, rows: NDArray[np.int64]) -> "Written":
        """Only these rows."""
        if isinstance(self.cells, np.ndarray):
            return Written(self.cells[rows], self.form)
        from seedbed.tables.arrow_values import places

        return Written(self.cells.take(places(rows)), self.form)


@dataclass(frozen=True)
class Column:
    """The values of one column.

    Args:
        kind: number (missing values are NaN), boolean (1.0, 0.0, NaN) or category.
        values: (rows,) float64; numbers may have further dimensions. Of a category the index of
            each row's name, int32, and -1 for a missing one. Of images the number of each row's.
        whole: whether the numbers were written as whole ones.
        written: how the file writes numbers and booleans; None where nobody asks.
        different: the names of a category, as `RowNames` has them.
        parts: of dates, which stand side by side in each row.
        pixels: all images, of which the rows are numbers; None of anything else.
    """

    kind: Kind
    values: NDArray[Any]
    whole: bool = False
    written: Written | None = None
    different: Sequence[str] = ()
    parts: Sequence[str] = ()
    pixels: "Pixels | None" = None

    @classmethod
    def of_names(cls, names: RowNames) -> "Column":
        """A category."""
        return cls("category", names.indices, different=names.different)

    def __len__(self) -> int:
        return len(self.values)

    def taken(self, rows: NDArray[np.int64]) -> "Column":
        """Only these rows, in this order."""
        written = self.written.taken(rows) if self.written is not None else None
        return replace(self, values=self.values[rows], written=written)

    def names(self) -> RowNames:
        """The values as names: as the file writes them, or else as `number_name` does."""
        if self.kind == "category":
            return RowNames(self.values, self.different)
        if self.written is not None:
            return unified(self.written.names())
        values = self.values
        if values.ndim > 1:
            return RowNames.of([number_name(value) for value in values.tolist()])
        bits, indices = np.unique(values.view(np.int64), return_inverse=True)  # -0 is not 0
        truths = {0.0: "false", 1.0: "true"}
        spelt = truths.get if self.kind == "boolean" else number_name
        names = [None if one != one else spelt(one) for one in bits.view(np.float64).tolist()]
        return RowNames.at(indices, names)


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Args:
        columns: by name, in the order of the source.
        origin: the file or set, for errors.
        targets: the columns that the source itself knows to be the target.
        classes: names of the classes, where the source has them.
        notes: what a person should know of how it was read.
        text: how its text was read; dates are found by looking at it.
        left_out: columns of the file that are not used, and why.
        rows: how many, where columns are decoded when they are asked for; None: as each has.
    """

    columns: Mapping[str, Column]
    origin: str
    targets: Sequence[str] = ()
    classes: Sequence[str] = field(default=())
    notes: Sequence[str] = ()
    text: TextForm | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None

    def __len__(self) -> int:
        if self.rows is not None:
            return self.rows
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @cached_property
    def has_gaps(self) -> bool:
        """Whether a number or a boolean is missing."""
        numbers = [one.values for one in self.columns.values() if one.kind != "category"]
        return any(np.isnan(values).any() for values in numbers)

    @property
    def pixels(self) -> "Pixels":
        """The images of a table that has some."""
        return next(one.pixels for one in self.columns.values() if one.pixels is not None)

    def column(self, name: str, key: str) -> Column:
        """The column of that name.

        Args:
            name: asked for.
            key: the config key that asks, for the error.

        Raises:
            DataError: if there is none.
        """
        must_be_column(name, list(self.columns), self.origin, key)
        return self.columns[name]

    def whole(self) -> "Table":
        """The same, with all columns in memory."""
        return self if self.rows is None else replace(self, columns={**self.columns}, rows=None)

    def without_spelling(self) -> "Table":
        """The same, for whom no number names a class."""
        columns = {name: replace(one, written=None) for name, one in self.columns.items()}
        return replace(self, columns=columns)

    def taken(self, rows: NDArray[np.int64]) -> "Table":
        """Only these rows, in this order."""
        columns = {name: column.taken(rows) for name, column in self.columns.items()}
        return Table(columns, self.origin, self.targets, self.classes)
