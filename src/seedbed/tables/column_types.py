"""The types of a run's columns: found on the training file once, and asked by every later reader.

They are kept in `preprocessing.json`. Each format has one reader, a `TableFile`, that gives the
cells of named columns as they lie in the file; `RawColumn` types them. What else decides how a
column is read belongs into `ColumnTypes`, so that all later files and rows are read alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from seedbed.tables.raw_column import RawColumn, raw_columns
from seedbed.tables.table import Table
from seedbed.tables.table_file import TableFile
from seedbed.tables.text_form import Kind, TextForm


@dataclass(frozen=True)
class ColumnTypes:
    """How every column that a run uses is read.

    Args:
        kinds: of the features and targets, by name.
        text: how their text is written.
    """

    kinds: Mapping[str, Kind]
    text: TextForm


def later_tables(file: TableFile, names: Sequence[str], types: ColumnTypes) -> Iterator[Table]:
    """As `later_table`, so many rows at a time; an error does not tell the row.

    Raises:
        DataError: if the file cannot be read, or a cell is not of the run's kind.
    """
    for name in names:
        file.must_have(name, file.key)
    for cells in file.batches(names):
        raw = [RawColumn(file, name, cells[name], types.text.of(name), False) for name in names]
        yield Table({one.name: one.of_kind(types.kinds[one.name]) for one in raw}, file.origin)


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
    for name in [*names, *targets]:
        file.must_have(name, file.key)
    numbers = [name for name in names if types.kinds[name] == "number"]
    raw = raw_columns(file, names, targets, types.text, numbers)
    return Table({one.name: one.of_kind(types.kinds[one.name]) for one in raw}, file.origin)
