"""The rows of Parquet files by their numbers, a block at a time; one row group is open at once."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet

from seedbed.errors import DataError
from seedbed.raised import first_line
from seedbed.tables.cells import is_text
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.file_checks import changed, refuse_changed, stamp
from seedbed.tables.parquet_file import rows_of_groups
from seedbed.tables.parquet_files import ParquetFiles, told_cells
from seedbed.tables.raw_column import RawColumn
from seedbed.tables.table import Table
from seedbed.tables.table_file import CellSource

READ_AHEAD = 2**18
"""Bytes of a column that are fetched at once; without it Arrow fetches whole row groups."""


class Group(NamedTuple):
    """A row group of one of the files.

    Args:
        part: number of the file.
        number: of the group within it.
        start: its first row among those of all files.
        rows: of it.
    """

    part: int
    number: int
    start: int
    rows: int


class ParquetStream:
    """The rows of several files, numbered from 0 in the order of the files.

    Args:
        files: opened.
        at_once: rows that are decoded at a time.
    """

    def __init__(self, files: ParquetFiles, at_once: int) -> None:
        self.files, self.at_once = files, at_once
        self.groups = list(_groups(files.group_rows))
        self.rows = sum(group.rows for group in self.groups)
        self._starts = [group.start for group in self.groups]
        self._stamps = [stamp(part.path) for part in files.parts]
        self._types: dict[str, Any] = {}

    @property
    def origin(self) -> str:
        """What the rows are called."""
        return self.files.origin

    def edges(self) -> list[int]:
        """Where row groups begin, and the end."""
        return [*self._starts, self.rows]

    def refuse_others(self, paths: Sequence[Path]) -> None:
        """Raises DataError if these, which the config names now, are other files than are read."""
        read = {part.path for part in self.files.parts}
        for path in sorted(read.symmetric_difference(paths)):
            raise changed(path, self.files.key, came=path not in read)

    def cells(
        self, names: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The cells of rows from `start` to before `stop`, some rows at a time.

        Args:
            names: of the columns.
            start: first row.
            stop: after the last; None for all.

        Returns:
            The first row, and their cells as Arrow arrays; of text as dictionaries.

        Raises:
            DataError: if a file changed, is not there any more or is damaged.
        """
        stop = self.rows if stop is None else stop
        first, last = bisect_right(self._starts, start) - 1, bisect_left(self._starts, stop)
        for _, groups in groupby(self.groups[max(first, 0) : last], lambda one: one.part):
            yield from self._of_part([*groups], names, start, stop)

    def tables(
        self, names: Sequence[str], types: ColumnTypes, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Table]]:
        """As `cells`, typed as the run has it; the first row, and the table.

        Raises:
            DataError: also if a cell is not of its column's kind.
        """
        for first, cells in self.cells(names, start, stop):
            place = _Place(self.files, first)
            columns = {}
            for name in names:
                raw = RawColumn(place, name, _as_known(cells[name], types, name),
                                types.text.of(name), name in self.targets)  # fmt: skip
                columns[name] = raw.of_kind(types.kinds[name])
            yield first, Table(columns, place.origin)

    targets: Sequence[str] = ()
    """Columns whose spelling is kept, as it may name classes."""

    def _of_part(
        self, groups: Sequence[Group], names: Sequence[str], start: int, stop: int
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The rows of row groups of one file that follow each other."""
        part, row = groups[0].part, groups[0].start
        held = [name for name in names if name not in self.files.told]
        with self._opened(part, names) as file:
            if not held:
                first, last = max(start, row), min(stop, groups[-1].start + groups[-1].rows)
                for row in range(first, last, self.at_once):
                    yield row, self._cells(None, part, names, min(self.at_once, last - row))
                return
            for batch in file.iter_batches(
                self.at_once,
                row_groups=[group.number for group in groups],
                columns=held,
                use_threads=False,
            ):
                first, last = max(start, row), min(stop, row + batch.num_rows)
                if first < last:
                    some = batch.slice(first - row, last - first)
                    yield first, self._cells(some, part, names, last - first)
                row += batch.num_rows
                if row >= stop:
                    break

    def _cells(self, batch: Any, part: int, names: Sequence[str], rows: int) -> Mapping[str, Any]:
        cells = {}
        for name in names:
            if name in self.files.told:
                cells[name] = told_cells(self.files.parts[part], name, rows)
                continue
            one = batch.column(name)
            if not pa.types.is_dictionary(one.type) and one.type != self._type(name):
                one = one.cast(self._type(name))
            cells[name] = one
        return cells

    def _type(self, name: str) -> Any:
        if name not in self._types:
            self._types[name] = self.files.type_of(name)
        return self._types[name]

    @contextmanager
    def _opened(self, part: int, names: Sequence[str]) -> Iterator[Any]:
        """The file, which is what it was when the run began to read, also afterwards."""
        path, before, key = self.files.parts[part].path, self._stamps[part], self.files.key
        held = [name for name in names if name not in self.files.told]
        texts = [name for name in held if is_text(self._type(name))]
        refuse_changed(path, before, key)
        try:
            with pa.parquet.ParquetFile(
                path, read_dictionary=texts, pre_buffer=False, buffer_size=READ_AHEAD
            ) as file:
                if rows_of_groups(file.metadata) != self.files.group_rows[part]:
                    raise changed(path, key)
                yield file
        except (pa.ArrowException, OSError) as err:
            refuse_changed(path, before, key)
            raise DataError(f"{key}: '{path}' cannot be read: {first_line(err)}") from err
        refuse_changed(path, before, key)


class _Place(CellSource):
    """Some rows of the files, for errors.

    Args:
        files: they are of.
        first: row of them.
    """

    def __init__(self, files: ParquetFiles, first: int) -> None:
        self.files, self.first = files, first
        self.key = files.key
        where, _, name = files.location(first).partition(" of ")
        self.origin = name if where == "row 1" else f"{name} from its {where} on"

    def location(self, row: int) -> str:
        """See `CellSource`."""
        return self.files.location(self.first + row)


def _as_known(cells: Any, types: ColumnTypes, name: str) -> Any:
    """Text that was read as a dictionary, unless it is taken for names, which it may stay."""
    if pa.types.is_dictionary(cells.type) and types.kinds[name] != "category":
        return cells.cast(cells.type.value_type)
    return cells


def _groups(group_rows: Sequence[Sequence[int]]) -> Iterator[Group]:
    starts = accumulate((rows for file in group_rows for rows in file), initial=0)
    for part, file in enumerate(group_rows):
        for index, rows in enumerate(file):
            start = next(starts)
            if rows:
                yield Group(part, index, start, rows)
