"""Columns of a stream that hold whole numbers which may be something else, told as in memory."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from seedbed.data.fitted_column import Floats
from seedbed.tables.cells import is_number
from seedbed.tables.column_kinds import EXACT, LOSE_DIGITS
from seedbed.tables.column_notes import on_dates, on_doubt
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.compact_dates import FEW, FORMS, forms_of
from seedbed.tables.parquet_files import ParquetFiles
from seedbed.tables.table import Table


class WholeNumbers:
    """Looks at the columns that the files hold as numbers, some rows at a time.

    Args:
        files: of all rows.
        names: of the columns that are used.
        types: of the run.
    """

    def __init__(self, files: ParquetFiles, names: Sequence[str], types: ColumnTypes) -> None:
        self._origin = files.origin
        numbers = {
            name: files.type_of(name)
            for name in names
            if types.kinds[name] == "number"
            and types.text.of(name).date is None
            and is_number(files.type_of(name))
        }
        self._forms = {name: [*FORMS] for name in numbers}
        self._different: dict[str, list[float]] = {name: [] for name in numbers}
        self._largest = {name: 0.0 for name, kind in numbers.items() if pa.types.is_integer(kind)}

    def add(self, table: Table) -> None:
        """Looks at further rows."""
        for name, largest in self._largest.items():
            values = np.abs(table.columns[name].values)
            self._largest[name] = float(np.fmax(largest, np.fmax.reduce(values)))
        for name, forms in self._forms.items():
            if forms:
                self._forms[name] = self._dates(name, table.columns[name].values, forms)

    def _dates(self, name: str, values: Floats, forms: Sequence[str]) -> list[str]:
        """Those of the forms in which these are dates too."""
        there = values[~np.isnan(values)]
        if not forms_of(there[:1], forms):
            return []
        seen = self._different[name]
        if not seen:
            seen += there[:1].tolist()
        different = np.unique(there)
        if len(seen) < FEW:
            seen += [one for one in different[:FEW].tolist() if one not in seen]
        return forms_of(different, forms)

    def notes(self) -> Iterator[str]:
        """As `note_on` has them of a table in memory."""
        for name, forms in self._forms.items():
            seen = self._different[name]
            if forms and len(seen) >= FEW:
                yield on_dates(name, self._origin, forms[0], int(seen[0]))
            elif self._largest.get(name, 0.0) >= EXACT:
                yield on_doubt(name, self._origin, LOSE_DIGITS)
