"""Several Parquet files as one table: their columns must be alike, their rows follow each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from seedbed.errors import DataError
from seedbed.runs.data_paths import is_several
from seedbed.tables.arrow_values import places, texts
from seedbed.tables.parquet_file import ParquetFile
from seedbed.tables.parquet_parts import Part, name_of, parts_of
from seedbed.tables.table_file import TableFile


class ParquetFiles(TableFile):
    """The Parquet files that `data.path` names, opened.

    Args:
        spec: one path, a list, a folder or a glob.
        key: the config key that names them.
        in_memory: whether each has to fit into memory.

    Raises:
        DataError: if there is none, or one is damaged.
    """

    def __init__(self, spec: Any, key: str, *, in_memory: bool = True) -> None:
        self.key = key
        self.parts = parts_of(spec, key, in_memory=in_memory)
        self.origin = name_of(spec, self.parts)
        self.files = [ParquetFile(part.path, key) for part in self.parts]
        self.group_rows = [file.group_rows for file in self.files]
        self.told = [*self.parts[0].values]
        """Columns that the names of folders tell."""
        held = dict.fromkeys(name for file in self.files for name in file.names)
        self._refuse_told_twice(held)
        once = self.files[0].names
        self.names = [*once, *(name for name in held if name not in once), *self.told]
        self.index = list(dict.fromkeys(name for file in self.files for name in file.index))

    def _refuse_told_twice(self, held: Mapping[str, None]) -> None:
        both = [name for name in self.told if name in held]
        if both:
            raise DataError(
                f"{self.key}: '{both[0]}' is a column of {self.origin} and in the names of their "
                "folders; leave it out of one of the two"
            )

    def must_have(self, name: str, key: str) -> None:
        """See `TableFile`; every file must have it."""
        super().must_have(name, key)
        for part, file in zip(self.parts, self.files, strict=True):
            if name not in self.told and name not in file.names:
                raise DataError(
                    f"{self.key}: '{part.path}' has no column '{name}', which other files of "
                    f"{self.origin} have; name the columns to use in data.features, or leave it "
                    "out by data.drop"
                )

    def cells(self, names: Sequence[str]) -> Mapping[str, Any]:
        """See `TableFile`: the columns of all files, one after the other.

        Raises:
            DataError: if a file is damaged, or a column has another type in each.
        """
        types = {name: self.type_of(name) for name in names}
        held = [name for name in names if name not in self.told]
        chunks: dict[str, list[Any]] = {name: [] for name in names}
        for number, file in enumerate(self.files):
            read = file.cells(held)
            for name in held:
                cells = read[name]
                plain = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
                cells = cells if plain == cells.type else cells.cast(plain)
                chunks[name] += cells.cast(types[name]).chunks
            rows = sum(self.group_rows[number])
            for name in self.told:
                if name in chunks:
                    chunks[name].append(told_cells(self.parts[number], name, rows))
        whole = {name: pa.chunked_array(chunks[name], types[name]) for name in names}
        return {
            name: one.dictionary_encode() if self.is_dictionary(name) else one
            for name, one in whole.items()
        }

    def type_of(self, name: str) -> Any:
        """The Arrow type of a column's cells in all files, of text the one that all take.

        Raises:
            DataError: if it differs, but for the sizes of numbers and for columns without a value.
        """
        if name in self.told:
            return pa.large_string()
        kinds = [_plain(file.type_of(name)) for file in self.files]
        known = [kind for kind in kinds if not pa.types.is_null(kind)]
        if not known:
            return pa.null()
        if all(kind == known[0] for kind in known):
            return known[0]
        if all(pa.types.is_integer(kind) or pa.types.is_float64(kind) for kind in known):
            if any(pa.types.is_float64(kind) for kind in known):
                return pa.float64()
            if pa.uint64() not in known:
                return pa.int64()
        other = next(kind for kind in known if kind != known[0])
        paths = [self.parts[kinds.index(kind)].path for kind in (known[0], other)]
        raise DataError(
            f"{self.key}: column '{name}' holds {known[0]} in '{paths[0]}' and {other} in "
            f"'{paths[1]}'; write them alike, or leave it out by data.drop"
        )

    def is_dictionary(self, name: str) -> bool:
        """Whether a column was a dictionary in every file when they were written."""
        return name not in self.told and all(file.is_dictionary(name) for file in self.files)

    def _called(self, part: Part) -> str:
        """A file by its name, or by its path where others have that name too."""
        name = part.path.name
        alone = sum(other.path.name == name for other in self.parts) == 1
        return name if alone else str(part.path)

    def location(self, row: int) -> str:
        """See `TableFile`: the row within its file."""
        for part, rows in zip(self.parts, self.group_rows, strict=True):
            if row < sum(rows):
                return f"row {row + 1} of {self._called(part)}"
            row -= sum(rows)
        return f"row {row + 1}"


def told_cells(part: Part, name: str, rows: int) -> Any:
    """The value that the name of a folder tells, for each row."""
    value = texts([part.values[name]], pa.large_string())
    return value.take(places(np.zeros(rows, dtype=np.int64)))


def parquet_table(spec: Any, key: str) -> TableFile:
    """What `data.path` names, to be read into memory; a single file has a reader of its own.

    Raises:
        DataError: if a file is not there or damaged.
    """
    if is_several(spec):
        return ParquetFiles(spec, key)
    (part,) = parts_of(spec, key, in_memory=True)
    return ParquetFile(part.path, key)


def _plain(kind: Any) -> Any:
    """Text in the one form that all take."""
    is_text = pa.types.is_string(kind) or pa.types.is_string_view(kind)
    return pa.large_string() if is_text else kind
