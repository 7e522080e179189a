"""The rows of a file again, with predictions behind them: a CSV keeps its cells byte for byte.

Of Parquet and arrays, integers keep all digits, other numbers have the fewest digits that denote
them, booleans are true and false, missing values empty, and lists as Python writes them.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from seedbed.errors import DataError
from seedbed.raised import first_line
from seedbed.tables.table_file import TableFile


def free_names(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """New names for columns, with a number behind where one is taken.

    Args:
        names: wanted.
        taken: by the file.
    """
    chosen: list[str] = []
    for name in names:
        free, number = name, 2
        while free in taken or free in chosen:
            free, number = f"{name}_{number}", number + 1
        chosen.append(free)
    return chosen


def with_predictions(file: TableFile, columns: Mapping[str, Sequence[Any]]) -> bytes:
    """The content of a CSV with the file's columns, then these.

    Args:
        file: opened.
        columns: by name, a value for each row.

    Raises:
        DataError: if it cannot be written (see `CarriedCsv.with_columns`).
    """
    from seedbed.tables.csv_file import CsvFile

    file = file.written
    names = free_names(list(columns), file.names)
    added = dict(zip(names, columns.values(), strict=True))
    if isinstance(file, CsvFile):
        return file.carried.with_columns(
            {name: [str(one) for one in cells] for name, cells in added.items()}
        )
    given = {name: _texts(name, cells) for name, cells in file.cells(file.names).items()}
    return csv_text({**given, **added}).encode()


def predictions_added(
    file: TableFile, blocks: Iterable[Mapping[str, Sequence[Any]]]
) -> Iterator[bytes]:
    """As `with_predictions` of a large CSV, a piece at a time.

    Args:
        file: opened.
        blocks: of rows, each of the same columns.

    Raises:
        DataError: if it cannot be written.
    """
    from seedbed.tables.csv_file import CsvFile

    remaining = iter(blocks)
    first = next(remaining)
    if not isinstance(file, CsvFile):  # the names of images, which are not many bytes
        every: dict[str, list[Any]] = {name: [] for name in first}
        for block in chain([first], remaining):
            for name, cells in block.items():
                every[name] += cells
        yield with_predictions(file, every)
        return
    texts = ([[*map(str, cells)] for cells in one.values()] for one in chain([first], remaining))
    yield from file.carried.with_blocks(free_names(list(first), file.names), texts)


def csv_text(columns: Mapping[str, Sequence[Any]], *, header: bool = True) -> str:
    """A table as a CSV, or further rows of one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def _texts(name: str, cells: Any) -> list[str]:
    import pyarrow as pa

    from seedbed.tables.cells import as_text
    from seedbed.tables.column_kinds import is_usable

    if isinstance(cells, np.ndarray):
        if cells.ndim > 1:
            return [str(row) for row in cells.tolist()]
        cells = pa.array(cells)
    try:
        texts = as_text(cells) if is_usable(cells.type) else cells
        return ["" if one is None else str(one) for one in texts.to_pylist()]
    except (pa.ArrowException, ValueError, OverflowError) as err:
        raise DataError(
            f"--output: column '{name}' holds {cells.type} that cannot be written: "
            f"{first_line(err)}"
        ) from err
