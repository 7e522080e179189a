"""Targets without a value in a stream, told as of a table in memory: how many, and which."""

from collections.abc import Iterator
from contextlib import contextmanager

from seedbed.data.target_values import NoTargetError
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.parquet_stream import ParquetStream


@contextmanager
def told_of_all_rows(stream: ParquetStream, types: ColumnTypes) -> Iterator[None]:
    """Says of a target that is refused inside how many rows of the stream have no value.

    What is looked at inside may be a block of the rows, or only those that differ.

    Args:
        stream: of the rows, which are looked at once more.
        types: of the columns.

    Raises:
        NoTargetError: of all rows.
    """
    try:
        yield
    except NoTargetError as err:
        stream.targets = [err.name] if err.of_classes else ()
        missing, first = 0, -1
        for start, table in stream.tables([err.name], types):
            bad = err.without(table)
            if first < 0 and bad.any():
                first = start + int(bad.argmax())
            missing += int(bad.sum())
        of_several = len(stream.files.parts) > 1
        where = stream.files.location(first) if of_several else f"row {first + 1}"
        raise NoTargetError.of(
            err.name, stream.origin, missing, stream.rows, where, of_classes=err.of_classes
        ) from None
