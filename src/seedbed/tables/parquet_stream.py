"""The rows of Parquet files by their numbers, a block at a time; one row group is open at once."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from seedbed.tables.arrow_values import floats
from seedbed.tables.cells import is_text
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.decoded_in_turn import DecodedInTurn
from seedbed.tables.file_checks import changed
from seedbed.tables.parquet_files import ParquetFiles, told_cells
from seedbed.tables.raw_column import RawColumn
from seedbed.tables.row_groups import Group, decoded_whole, row_groups
from seedbed.tables.table import Column, Table
from seedbed.tables.table_file import CellSource
from seedbed.tables.unchanged_parts import UnchangedParts


class ParquetStream:
    """The rows of several files, numbered from 0 in the order of the files.

    Args:
        files: opened.
        at_once: rows that are decoded at a time.
    """

    def __init__(self, files: ParquetFiles, at_once: int) -> None:
        self.files, self.at_once = files, at_once
        self.groups = list(row_groups(files.group_rows))
        self.rows = sum(group.rows for group in self.groups)
        self._starts = [group.start for group in self.groups]
        self._parts = UnchangedParts(files)
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
        self,
        names: Sequence[str],
        start: int = 0,
        stop: int | None = None,
        *,
        in_turn: bool = False,
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The cells of rows from `start` to before `stop`, some rows at a time.

        Args:
            names: of the columns.
            start: first row.
            stop: after the last; None for all.
            in_turn: whether a column may be decoded when it is asked for, see `DecodedInTurn`,
                until the next rows are.

        Returns:
            The first row, and their cells as Arrow arrays; of text as dictionaries.

        Raises:
            DataError: if a file changed, is not there any more or is damaged.
        """
        stop = self.rows if stop is None else stop
        first, last = bisect_right(self._starts, start) - 1, bisect_left(self._starts, stop)
        for _, groups in groupby(self.groups[max(first, 0) : last], lambda one: one.part):
            yield from self._of_part([*groups], names, start, stop, in_turn)

    def tables(
        self,
        names: Sequence[str],
        types: ColumnTypes,
        start: int = 0,
        stop: int | None = None,
        *,
        in_turn: bool = False,
    ) -> Iterator[tuple[int, Table]]:
        """As `cells`, typed as the run has it; the first row, and the table.

        Raises:
            DataError: also if a cell is not of its column's kind.
        """
        plain = {name for name in names if self._is_plain(name, types)}
        for first, cells in self.cells(names, start, stop, in_turn=in_turn):
            place = _Place(self.files, first)
            typed = partial(self._typed, place, cells, types, plain)
            if isinstance(cells, DecodedInTurn):
                columns = DecodedInTurn(names, typed, cells.rows)
                yield first, Table(columns, place.origin, rows=cells.rows)
            else:
                yield first, Table({name: typed(name) for name in names}, place.origin)

    def _is_plain(self, name: str, types: ColumnTypes) -> bool:
        """Whether the cells of a column are its numbers as they lie there."""
        if types.kinds[name] != "number" or name in self.targets:
            return False
        form = types.text.of(name)
        return form.is_bare and not form.parts and bool(self._type(name) == pa.float64())

    def _typed(
        self,
        place: "_Place",
        cells: Mapping[str, Any],
        types: ColumnTypes,
        plain: Set[str],
        name: str,
    ) -> Column:
        if name in plain:
            return Column("number", floats(cells[name]))
        form, target = types.text.of(name), name in self.targets
        raw = RawColumn(place, name, _as_known(cells[name], types, name), form, target)
        return raw.of_kind(types.kinds[name])

    targets: Sequence[str] = ()
    """Columns whose spelling is kept, as it may name classes."""

    def _of_part(
        self,
        groups: Sequence[Group],
        names: Sequence[str],
        start: int,
        stop: int,
        in_turn: bool,
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The rows of row groups of one file that follow each other."""
        part, row = groups[0].part, groups[0].start
        held = [name for name in names if name not in self.files.told]
        plain = self.files.files[part].written_by_lengths
        texts = [name for name in held if is_text(self._type(name)) and name not in plain]
        with self._parts.opened(part, texts) as file:
            pieces = decoded_whole(groups, self.at_once) if in_turn and held else []
            for piece in pieces:
                end = piece[-1].start + piece[-1].rows
                rows = range(max(start, piece[0].start), min(stop, end))
                if rows:
                    decode = partial(self._decoded, file, piece, rows)
                    yield rows.start, DecodedInTurn(names, decode, len(rows))
            if pieces:
                return
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

    def _decoded(self, file: Any, piece: Sequence[Group], rows: range, name: str) -> Any:
        """The cells of a column in some rows of row groups, which are decoded whole."""
        part = piece[0].part
        if name in self.files.told:
            return told_cells(self.files.parts[part], name, len(rows))
        numbers = [group.number for group in piece]
        try:
            read = file.read_row_groups(numbers, columns=[name], use_threads=False).column(name)
            cells = read.chunk(0) if read.num_chunks == 1 else _joined(read)
            if len(cells) > len(rows):
                cells = cells.slice(rows.start - piece[0].start, len(rows))
            return self._cast(cells, name)
        except (pa.ArrowException, OSError) as err:
            raise self._parts.broken(part, err) from err

    def _cells(self, batch: Any, part: int, names: Sequence[str], rows: int) -> Mapping[str, Any]:
        told = self.files.told
        return {
            name: told_cells(self.files.parts[part], name, rows)
            if name in told
            else self._cast(batch.column(name), name)
            for name in names
        }

    def _cast(self, cells: Any, name: str) -> Any:
        if pa.types.is_dictionary(cells.type) or cells.type == self._type(name):
            return cells
        return cells.cast(self._type(name))

    def _type(self, name: str) -> Any:
        if name not in self._types:
            self._types[name] = self.files.type_of(name)
        return self._types[name]


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


def _joined(read: Any) -> Any:
    """The chunks of a column as one array."""
    return read.unify_dictionaries().combine_chunks()
