"""A Parquet table, read by Arrow; its columns have the types of the file."""

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from seedbed.errors import DataError
from seedbed.raised import first_line
from seedbed.tables.cells import is_text, of_one_text
from seedbed.tables.table_file import TableFile, saved_index

BY_LENGTHS = {"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"}
"""What Parquet calls the encodings of texts whose lengths come first."""


class ParquetFile(TableFile):
    """A Parquet table, opened.

    Args:
        path: of the file.
        key: the config key or argument that names it.

    Raises:
        DataError: if the file is damaged.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key, self.origin = path, key, path.name
        try:
            self._file = pa.parquet.ParquetFile(path)
            self.names = list(self._file.schema_arrow.names)
            self.index = self._index()
        except (pa.ArrowException, OSError) as err:
            raise self._damaged(err) from err

    @property
    def group_rows(self) -> list[int]:
        """How many rows each of its row groups has."""
        return rows_of_groups(self._file.metadata)

    @cached_property
    def written_by_lengths(self) -> frozenset[str]:
        """Columns of text that Arrow makes no dictionary of while it reads them."""
        metadata, found = self._file.metadata, set()
        groups = [metadata.row_group(one) for one in range(metadata.num_row_groups)]
        for index in range(metadata.num_columns):
            name = metadata.schema.column(index).path
            if name in self.names and is_text(self.type_of(name)):
                encodings = (group.column(index).encodings for group in groups)
                if any(BY_LENGTHS & {*one} for one in encodings):
                    found.add(name)
        return frozenset(found)

    def type_of(self, name: str) -> Any:
        """The Arrow type of a column's cells; of a dictionary that of its values."""
        kind = self._file.schema_arrow.field(name).type
        return kind.value_type if pa.types.is_dictionary(kind) else kind

    def is_dictionary(self, name: str) -> bool:
        """Whether a column was a dictionary when it was written."""
        kind = self._file.schema_arrow.field(name).type
        return name in self._dictionaries or bool(pa.types.is_dictionary(kind))

    def cells(self, names: Sequence[str]) -> Mapping[str, Any]:
        """The named columns.

        Raises:
            DataError: if the file is damaged.
        """
        try:
            table = self._file.read(columns=list(names))
        except (pa.ArrowException, OSError) as err:
            raise self._damaged(err) from err
        return {name: self._column(name, table.column(name)) for name in names}

    def _index(self) -> list[str]:
        """What pandas notes as the index, and what is one by its name."""
        noted = (self._file.schema_arrow.pandas_metadata or {}).get("index_columns", [])
        named = [one for one in noted if isinstance(one, str) and one in self.names]
        return list(dict.fromkeys([*named, *saved_index(self.names)]))

    def _column(self, name: str, column: Any) -> Any:
        """A column as it was when it was written, and text in the one form that all take."""
        if name in self._dictionaries:
            column = column.dictionary_encode()
        return of_one_text(column)

    @cached_property
    def _dictionaries(self) -> set[str]:
        """Columns that were dictionaries when they were written; of numbers, Arrow forgets it.

        Source: the keys `ARROW:schema` and `pandas` that these libraries write into the file.
        """
        metadata = self._file.metadata.metadata or {}
        named: set[str] = set()
        try:
            if b"ARROW:schema" in metadata:
                original = pa.ipc.read_schema(pa.py_buffer(b64decode(metadata[b"ARROW:schema"])))
                named |= {one.name for one in original if pa.types.is_dictionary(one.type)}
            columns = json.loads(metadata.get(b"pandas", b"{}")).get("columns", [])
            named |= {one["name"] for one in columns if one["pandas_type"] == "categorical"}
        except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, AttributeError) as err:
            raise self._damaged(err) from err
        return named

    def _damaged(self, err: Exception) -> DataError:
        return DataError(f"{self.key}: '{self.path}' is not a Parquet file: {first_line(err)}")


def rows_of_groups(metadata: Any) -> list[int]:
    """How many rows each row group of a file has."""
    return [metadata.row_group(one).num_rows for one in range(metadata.num_row_groups)]
