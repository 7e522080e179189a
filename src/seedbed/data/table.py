"""A table in memory: named columns of numbers, truth values or names, and arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import did_you_mean, shown
from seedbed.errors import DataError

Kind = Literal["number", "boolean", "category"]


@dataclass(frozen=True)
class Column:
    """The values of one column.

    Args:
        kind: number (missing values are NaN), boolean (1.0, 0.0, NaN) or category (None).
        values: (rows,) float64 or object; numbers may have further dimensions.
        whole: whether the numbers were written as whole ones.
    """

    kind: Kind
    values: NDArray[Any]
    whole: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def taken(self, rows: NDArray[np.int64]) -> "Column":
        """Only these rows, in this order."""
        return Column(self.kind, self.values[rows], self.whole)

    def shown(self) -> list[Any]:
        """The values for a table on paper: names as they are, missing ones empty."""
        if self.values.ndim > 1:
            return [str(value) for value in self.values.tolist()]
        if self.kind == "number" and not self.whole:
            return ["" if value != value else value for value in self.values.tolist()]
        return ["" if value is None else value for value in self.as_category().values]

    def as_category(self) -> "Column":
        """The same values as names; whole numbers lose their `.0`."""
        if self.kind == "category":
            return self
        if self.kind == "boolean":
            names = {0.0: "false", 1.0: "true"}
            values = [None if value != value else names[float(value)] for value in self.values]
        else:
            values = [
                None if value != value else _number_name(float(value)) for value in self.values
            ]
        return Column("category", np.array(values, dtype=object))


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Args:
        columns: by name, in the order of the source.
        origin: the file or set, for errors.
        targets: the columns that the source itself knows to be the target.
        classes: names of the classes, where the source tells them.
    """

    columns: Mapping[str, Column]
    origin: str
    targets: Sequence[str] = ()
    classes: Sequence[str] = field(default=())

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def column(self, name: str, key: str) -> Column:
        """The column of that name.

        Args:
            name: asked for.
            key: the config key that asks, for the error.

        Raises:
            DataError: if there is none.
        """
        if name not in self.columns:
            raise DataError(
                f"{key}: no column '{name}' in {self.origin}; columns are "
                f"{shown(self.columns)}{did_you_mean(name, self.columns)}"
            )
        return self.columns[name]

    def taken(self, rows: NDArray[np.int64]) -> "Table":
        """Only these rows, in this order."""
        columns = {name: column.taken(rows) for name, column in self.columns.items()}
        return Table(columns, self.origin, self.targets, self.classes)


def _number_name(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
