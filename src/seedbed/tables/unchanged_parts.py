"""The files of a stream, which are opened again and again, and are what they were at the start."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from seedbed.errors import DataError
from seedbed.raised import first_line
from seedbed.tables.file_checks import changed, refuse_changed, stamp
from seedbed.tables.parquet_file import rows_of_groups
from seedbed.tables.parquet_files import ParquetFiles

KEPT = 2**23
"""Bytes of all files' metadata, which take several times as much in memory."""

READ_AHEAD = 2**18
"""Bytes of a column that are fetched at once; without it Arrow fetches whole row groups."""


class UnchangedParts:
    """Opens them.

    Args:
        files: as they are when the run begins to read.
    """

    def __init__(self, files: ParquetFiles) -> None:
        self._files = files
        self._stamps = [stamp(part.path) for part in files.parts]
        self._metadata: dict[int, Any] = {}

    @contextmanager
    def opened(self, part: int, texts: Sequence[str]) -> Iterator[Any]:
        """A file, which is what it was when the run began to read, also afterwards.

        Args:
            part: its number.
            texts: columns that are read as dictionaries.

        Raises:
            DataError: if it changed, is not there any more or is damaged.
        """
        path, before, key = self._files.parts[part].path, self._stamps[part], self._files.key
        refuse_changed(path, before, key)
        try:
            with pa.parquet.ParquetFile(
                path,
                read_dictionary=texts,
                pre_buffer=False,
                buffer_size=READ_AHEAD,
                metadata=self._metadata.get(part),
            ) as file:
                if part not in self._metadata:
                    self._look_at(part, file.metadata)
                yield file
        except (pa.ArrowException, OSError) as err:
            raise self.broken(part, err) from err
        refuse_changed(path, before, key)

    def broken(self, part: int, err: Exception) -> DataError:
        """The error of a file that Arrow cannot read.

        Raises:
            DataError: if the file is another than it was.
        """
        path, before, key = self._files.parts[part].path, self._stamps[part], self._files.key
        refuse_changed(path, before, key)
        return DataError(f"{key}: '{path}' cannot be read: {first_line(err)}")

    def _look_at(self, part: int, metadata: Any) -> None:
        """Keeps what a file tells of its row groups, as long as few files tell as much.

        To read it takes 0.4 ms; every block opens its file, which has not changed.

        Raises:
            DataError: if its row groups are others than at the start.
        """
        if rows_of_groups(metadata) != self._files.group_rows[part]:
            raise changed(self._files.parts[part].path, self._files.key)
        if metadata.serialized_size * len(self._files.parts) <= KEPT:
            self._metadata[part] = metadata
