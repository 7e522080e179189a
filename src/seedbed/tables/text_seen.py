"""Columns of a stream of rows whose type does not tell what they hold: looked at once.

Of text every different one is kept, with its rows, and of targets every different row, so that
what a column is can be decided as of a table in memory. Where there are too many, no column of
names can be made of them, and that all are numbers or dates is asked block by block.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from seedbed.config.hints import in_list
from seedbed.errors import DataError
from seedbed.tables.arrow_values import indices, places, texts
from seedbed.tables.cells import Misfit, is_text, text_numbers
from seedbed.tables.column_kinds import holds_dates, is_usable
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.parquet_stream import ParquetStream
from seedbed.tables.raw_column import RawColumn
from seedbed.tables.table import Table
from seedbed.tables.table_file import CellSource
from seedbed.tables.text_form import ISO, CellForm
from seedbed.tables.training_table import table_of

MOST_DIFFERENT = 100_000
"""Texts of a column, or rows of the targets, that are kept."""

MOST_CELLS = 100_000
"""Of a column that stands for all of its rows."""


class TextSeen(CellSource):
    """The texts of one column; as a file it has one row for each row of the column, or fewer.

    Args:
        stream: of the rows.
        name: of the column.
        form: how it is written.
    """

    def __init__(self, stream: ParquetStream, name: str, form: CellForm) -> None:
        self.key, self.origin = stream.files.key, stream.origin
        self._name, self._files = name, stream.files
        self._form, self._dates = form, replace(form, date=ISO)
        self._rows: dict[str, list[int]] = {}  # how many, and the first
        self.missing = 0
        self.overflows = False
        self._all = {"numbers": True, "dates": form.date is None}

    def add(self, start: int, cells: Any) -> None:
        """Looks at further cells, which begin at a row.

        Raises:
            DataError: if there are too many names.
        """
        if not pa.types.is_dictionary(cells.type):
            cells = cells.dictionary_encode()
        at = indices(cells.indices.cast(pa.int32()))
        words = cells.dictionary.to_pylist()
        counts = np.bincount(at + 1, minlength=len(words) + 1)
        first = np.empty_like(counts)
        first[at[::-1] + 1] = np.arange(len(at))[::-1]  # of several that which comes last here
        some: list[str] = []
        for index in np.flatnonzero(counts).tolist():
            text, count = words[index - 1] if index else None, int(counts[index])
            if text is None:
                self.missing += count
                continue
            some.append(text)
            if text in self._rows:
                self._rows[text][0] += count
            elif len(self._rows) < MOST_DIFFERENT:
                self._rows[text] = [count, start + int(first[index])]
            else:
                self.overflows = True
        self._ask(some)

    def _ask(self, some: Sequence[str]) -> None:
        """Whether these are numbers or dates, as all before."""
        cells = texts(some, pa.large_string()) if some and any(self._all.values()) else None
        if cells is not None and self._all["numbers"]:
            self._all["numbers"] = text_numbers(cells, self._form) is not None
        if cells is not None and self._all["dates"]:
            try:
                self._all["dates"] = holds_dates(cells, self._dates)
            except Misfit:
                self._all["dates"] = False
        if self.overflows and not any(self._all.values()):
            drop = f"data.drop=[{in_list(self._name)}]"
            raise DataError(
                f"column '{self._name}' of {self.origin} holds more than {MOST_DIFFERENT} "
                f"different names; leave it out with data.features=[…] or {drop}"
            )

    @property
    def _repeats(self) -> dict[str, int]:
        """How often each text stands among the cells that stand for all."""
        if self.overflows:
            return dict.fromkeys(list(self._rows)[:1000], 1)
        total = sum(count for count, _ in self._rows.values())
        fewer = max(1, -(-total // MOST_CELLS))
        return {text: max(1, count // fewer) for text, (count, _) in self._rows.items()}

    def all_cells(self) -> Any:
        """Cells that stand for all, by their texts and their shares."""
        repeats = self._repeats
        rows = np.repeat(np.arange(len(repeats)), list(repeats.values()))
        rows = np.append(rows, np.full(min(self.missing, 1), len(repeats)))
        known: list[str | None] = [*repeats, None]
        return texts(known, pa.large_string()).take(places(rows))

    def location(self, row: int) -> str:
        """See `CellSource`: the first row of a text."""
        repeats = self._repeats
        ends = np.cumsum(list(repeats.values()))
        text = list(repeats)[min(int(np.searchsorted(ends, row, "right")), len(repeats) - 1)]
        return self._files.location(self._rows[text][1])


class TargetsSeen:
    """The different rows of the targets, in the order that they come first.

    Args:
        names: of the targets.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.overflows = False
        self._rows: Any = None

    def add(self, cells: Mapping[str, Any]) -> None:
        """Looks at further rows."""
        if self.overflows or not self.names:
            return
        some = pa.table({name: _plain(cells[name]) for name in self.names})
        whole = some if self._rows is None else pa.concat_tables([self._rows, some])
        self._rows = whole.take(places(_first_of_each(whole)))
        self.overflows = len(self._rows) > MOST_DIFFERENT

    def cells(self, name: str) -> Any:
        """Of one target."""
        return self._rows.column(name).combine_chunks()


def _first_of_each(rows: Any) -> NDArray[np.int64]:
    """Where each different row comes first; Arrow's groups, which would tell, import pandas."""
    number: Any = 0
    for column in rows.columns:
        own = _numbered(column.combine_chunks())
        number = number * (int(own.max()) + 1) + own
        number = _numbered(places(number))
    return np.flatnonzero(np.diff(np.maximum.accumulate(number), prepend=-1))


def _numbered(cells: Any) -> NDArray[np.int64]:
    """Of each cell how many different ones came before the first that is like it."""
    return indices(cells.dictionary_encode(null_encoding="encode").indices).astype(np.int64)


def _plain(cells: Any) -> Any:
    """Cells that Arrow can tell apart."""
    if pa.types.is_dictionary(cells.type):
        return cells.cast(cells.type.value_type)
    return cells.cast(pa.large_string()) if pa.types.is_null(cells.type) else cells


class _Somewhere(CellSource):
    """The files, for columns of which only different rows are kept."""

    def __init__(self, stream: ParquetStream) -> None:
        self.key, self.origin = stream.files.key, stream.origin

    def location(self, row: int) -> str:
        """See `CellSource`."""
        return "a row"


def columns_seen(
    stream: ParquetStream, features: Sequence[str], targets: Sequence[str], types: ColumnTypes
) -> tuple[Table, bool]:
    """A small table that tells of every column what it holds; and whether all targets are in it.

    Args:
        stream: of the rows.
        features: columns that are used.
        targets: likewise.
        types: what the config says of columns; all others are looked at.

    Raises:
        DataError: as `first_table`.
    """
    files = stream.files
    alone = targets if len(targets) == 1 else []
    seen = {
        name: TextSeen(stream, name, types.text.of(name))
        for name in dict.fromkeys([*features, *alone])
        if name not in types.kinds
        and not files.is_dictionary(name)
        and is_text(files.type_of(name))
    }
    asked = [name for name in targets if name not in seen and is_usable(files.type_of(name))]
    rows = TargetsSeen(asked)
    if seen:
        for start, cells in stream.cells([*seen]):
            for name, one in seen.items():
                one.add(start, cells[name])
    if rows.names:
        for _, cells in stream.cells(rows.names):
            rows.add(cells)
            if rows.overflows:
                break  # quantities, as mostly: their rows tell nothing more

    def raw() -> Iterator[RawColumn]:
        for name in [*features, *(name for name in targets if name not in features)]:
            form, target = types.text.of(name), name in targets
            if name in seen:
                yield RawColumn(seen[name], name, seen[name].all_cells(), form, target)
            elif name in asked:
                cells = rows.cells(name)
                cells = cells.dictionary_encode() if files.is_dictionary(name) else cells
                yield RawColumn(_Somewhere(stream), name, cells, form, True)
            else:
                kind = files.type_of(name)
                kind = pa.dictionary(pa.int32(), kind) if files.is_dictionary(name) else kind
                yield RawColumn(files, name, pa.nulls(0, kind), form, target)

    whole = not rows.overflows and not any(seen[name].overflows for name in alone if name in seen)
    return table_of(raw(), stream.origin, targets, types), whole
