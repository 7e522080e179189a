"""A Parquet table, read by Arrow; its columns have the types that the file tells."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from seedbed.errors import DataError


class ParquetFile:
    """A Parquet table, opened: a `TableFile`.

    Args:
        path: of the file.
        key: the config key or argument that names it.

    Raises:
        DataError: if the file is damaged.
    """

    typed = True

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key, self.origin = path, key, path.name
        try:
            self._file = pa.parquet.ParquetFile(path)
            self.names: Sequence[str] = list(self._file.schema_arrow.names)
        except (pa.ArrowException, OSError) as err:
            raise self._damaged(err) from err

    def cells(self, names: Sequence[str]) -> Mapping[str, Any]:
        """The named columns.

        Raises:
            DataError: if the file is damaged.
        """
        try:
            table = self._file.read(columns=list(names))
        except (pa.ArrowException, OSError) as err:
            raise self._damaged(err) from err
        return {name: table.column(name) for name in names}

    def place(self, row: int) -> str:
        """The row, from 1."""
        return f"row {row + 1}"

    def _damaged(self, err: Exception) -> DataError:
        said = str(err).splitlines()[0] if str(err) else type(err).__name__
        return DataError(f"{self.key}: '{self.path}' is not a Parquet file: {said}")
