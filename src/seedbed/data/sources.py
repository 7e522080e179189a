"""Reads a source into a `Table`. Errors name the file, the line and the column."""

import math
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from seedbed.config.schema import (
    CsvConfig,
    DataConfig,
    FilesConfig,
    NpzConfig,
    ParquetConfig,
    RowsConfig,
    SklearnConfig,
)
from seedbed.data.sklearn_sets import sklearn_table
from seedbed.data.table import Column, Table
from seedbed.errors import DataError
from seedbed.runs.files import UNPRINTABLE, printable

NUMBER_BYTES = 8
"""Of a float64, which every number becomes."""


def read_source(config: DataConfig) -> Table:
    """The table that `data` describes; of files, the first.

    Raises:
        DataError: if it is missing or cannot be read.
    """
    match config:
        case RowsConfig():
            return rows_table(config)
        case SklearnConfig():
            return sklearn_table(config)
        case FilesConfig():
            return read_file(config, Path(config.path), "data.path")
    raise DataError(f"data.source: {config.source} is not a table")


def read_file(config: FilesConfig, path: Path, key: str) -> Table:
    """One file of a source.

    Args:
        config: how it is to be read.
        path: where it is.
        key: the config key or argument that names it, for errors.

    Raises:
        DataError: if it is missing, empty or damaged, or has names that a terminal would obey.
    """
    must_be_file(path, key)
    table = _read(config, path, key)
    for name in table.columns:
        if UNPRINTABLE.search(name):
            raise DataError(f"{key}: column '{printable(name)}' has control characters in its name")
    return table


def _read(config: FilesConfig, path: Path, key: str) -> Table:
    match config:
        case CsvConfig():
            from seedbed.data.tabular_files import csv_table

            return csv_table(path, key, config.delimiter, config.encoding, config.categories)
        case ParquetConfig():
            from seedbed.data.tabular_files import parquet_table

            return parquet_table(path, key, config.categories)
        case NpzConfig():
            return npz_table(path, key)
    raise DataError(f"{key}: {config.source} has no files")


def must_be_file(path: Path, key: str) -> None:
    """Refuses what is not a readable file with something in it."""
    if path.is_dir():
        raise DataError(f"{key}: '{path}' is a folder, not a file")
    if not path.is_file():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        from seedbed.config.hints import did_you_mean

        raise DataError(f"{key}: no file '{path}'{did_you_mean(path.name, near)}")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{key}: '{path}' is empty")
        _refuse_larger_than_memory(path.stat().st_size, path, key)
        path.open("rb").close()
    except OSError as err:
        raise DataError(f"{key}: cannot read '{path}': {err.strerror}") from err


def _refuse_larger_than_memory(size: int, path: Path, key: str) -> None:
    """Refuses before reading; all rows are held in memory."""
    if not hasattr(os, "sysconf"):  # Windows
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory:
        raise DataError(
            f"{key}: '{path}' holds {size / 2**30:.3g} GiB, this machine's memory "
            f"{memory / 2**30:.3g} GiB"
        )


def rows_table(config: RowsConfig) -> Table:
    """The rows written in the YAML."""
    x, y = matrix(config.x, "data.x"), matrix(config.y, "data.y")
    if len(x) != len(y):
        raise DataError(f"data.x has {len(x)} rows, data.y has {len(y)}; they must be as many")
    features = config.features or [f"x{index + 1}" for index in range(x.shape[1])]
    outputs = y.shape[1]
    targets = _names(config.target) or (
        ["y"] if outputs == 1 else [f"y{index + 1}" for index in range(outputs)]
    )
    for key, names, width in (
        ("features", features, x.shape[1]),
        ("target", targets, outputs),
    ):
        if len(names) != width:
            raise DataError(f"data.{key} has {len(names)} names for {width} columns")
    columns = {name: Column("number", x[:, index]) for index, name in enumerate(features)}
    columns |= {name: Column("number", y[:, index]) for index, name in enumerate(targets)}
    return Table(columns, "the rows of the YAML", targets)


def matrix(rows: Sequence[Any], key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rows of numbers, as (rows, columns); a row may be a bare number.

    Raises:
        DataError: if the rows differ in length, or hold anything but finite numbers.
    """
    lists = [row if isinstance(row, list) else [row] for row in rows]
    for index, row in enumerate(lists):
        if len(row) != len(lists[0]):
            raise DataError(
                f"{key}: row {index + 1} has {len(row)} values, the first has {len(lists[0])}"
            )
        for value in row:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value):
                raise DataError(
                    f"{key}: row {index + 1} holds {value!r}, which is not a finite number"
                )
    return np.array(lists, dtype=np.float64)


def npz_table(path: Path, key: str) -> Table:
    """The arrays of a .npz file; pickled ones are refused."""
    if not zipfile.is_zipfile(path):
        raise DataError(f"{key}: '{path}' is not a .npz file, or is cut short: no zip archive")
    columns = {}
    _refuse_larger_than_memory(_unpacked(path, key), path, key)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                array = arrays[name]
                columns[name] = _array_column(array, name, path, key)
    except DataError:
        raise
    except Exception as err:  # numpy raises many kinds on damaged archives
        reason = str(err).splitlines()[0] if str(err) else type(err).__name__
        if "allow_pickle" in reason:
            reason = "what it holds is pickled, could run code and is not opened"
        raise DataError(f"{key}: '{path}' is not a .npz file of plain arrays: {reason}") from err
    if not columns:
        raise DataError(f"{key}: '{path}' holds no arrays")
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"{key}: the arrays of '{path}' differ in their number of rows: {listed}")
    return Table(columns, path.name)


def _unpacked(path: Path, key: str) -> int:
    """Bytes of the arrays in an archive, as the numbers that they become."""
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    total += max(member.file_size, _claimed(file))
    except Exception as err:  # zipfile and numpy raise many kinds on damaged archives
        reason = printable(str(err).partition("\n")[0])
        raise DataError(f"{key}: '{path}' is not a .npz file of plain arrays: {reason}") from err
    return total


def _claimed(file: IO[bytes]) -> int:
    """What the header of an array says of its size."""
    version = np.lib.format.read_magic(file)
    header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if header is None:
        return 0
    shape, _, _ = header(file)
    return math.prod(shape) * NUMBER_BYTES


def _array_column(array: np.ndarray[Any, Any], name: str, path: Path, key: str) -> Column:
    if array.ndim == 0:
        raise DataError(f"{key}: array '{name}' of '{path}' is a single number, not rows")
    if array.dtype.kind in "US":
        return Column("category", array.astype(str).astype(object))
    if array.dtype.kind == "b":
        return Column("boolean", array.astype(np.float64))
    if array.dtype.kind not in "iuf":
        raise DataError(f"{key}: array '{name}' of '{path}' has type {array.dtype}, not numbers")
    return Column("number", array.astype(np.float64), whole=array.dtype.kind in "iu")


def _names(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
