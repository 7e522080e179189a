"""Reads a source into a `Table`. Errors name the file, the line and the column."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seedbed.config.hints import counted
from seedbed.config.schema import (
    CsvConfig,
    DataConfig,
    FilesConfig,
    ImagesConfig,
    MemoryConfig,
    NamedConfig,
    ParquetConfig,
    RowsConfig,
    SklearnConfig,
)
from seedbed.errors import DataError
from seedbed.handed_in import handed_in
from seedbed.remote.data_files import local_files
from seedbed.runs.files import UNPRINTABLE, printable
from seedbed.tables.column_types import ColumnTypes, later_table
from seedbed.tables.configured_columns import beside_features, features_of, left_out, text_form
from seedbed.tables.opened_file import opened
from seedbed.tables.sklearn_sets import sklearn_table
from seedbed.tables.table import Column, Table
from seedbed.tables.table_file import TableFile, names_of, numbered_names
from seedbed.tables.text_form import Kind
from seedbed.tables.training_table import first_table


def read_source(config: DataConfig) -> Table:
    """The table that `data` describes; of files, the training file.

    Its columns' kinds are those of the run; of a file, only what is used is read.

    Raises:
        DataError: if it is missing or cannot be read.
    """
    match config:
        case RowsConfig():
            return rows_table(config)
        case SklearnConfig():
            return sklearn_table(config)
        case ImagesConfig():
            from seedbed.tables.images.training import image_table, opened_images  # with Pillow

            return image_table(config, opened_images(config, config.path, "data.path"))
        case FilesConfig():
            local, _ = local_files(config)
            return _training_table(local, _opened(local, local.path, "data.path"))
        case MemoryConfig():
            return _training_table(config, _in_memory(config))
    raise DataError(f"data.source: {config.source} is not a table")


def read_once() -> Callable[[DataConfig], Table]:
    """`read_source`, but configs in turn that differ in fold or seed alone share one table."""
    held: list[tuple[DataConfig, Table]] = []

    def read(config: DataConfig) -> Table:
        asked = replace(config, fold=None, split=replace(config.split, seed=None))
        if not held or held[0][0] != asked:
            held[:] = [(asked, read_source(config))]
        return held[0][1]

    return read


def read_file(config: FilesConfig, path: Any, key: str, types: ColumnTypes) -> Table:
    """A file beside the training file, with features and target, by the run's types.

    Args:
        config: how it is to be read.
        path: where it is, as the config has it.
        key: the config key or argument that names it, for errors.
        types: of the run.

    Raises:
        DataError: if it is missing, empty or damaged, or a cell is not of its column's kind.
    """
    targets = names_of(config.target)
    features = [name for name in types.kinds if name not in targets]
    table = later_table(_opened(config, path, key), features, types, targets)
    if not len(table):
        raise DataError(f"{key}: '{path}' has no rows; name a file that has, or null")
    return table


def _training_table(config: NamedConfig, file: TableFile) -> Table:
    used = used_columns(config, file)
    table = first_table(file, [*used.features, *used.beside], used.targets, used.types)
    return replace(
        table,
        notes=[*used.notes, *table.notes],
        left_out=left_out(config, file, [*used.features, *used.targets]),
    )


class UsedColumns(NamedTuple):
    """The columns of a file that a run reads.

    Args:
        features: in order.
        targets: likewise.
        beside: those that tell of the rows and are no features.
        types: what the config says of all of them.
        notes: on what was left out.
    """

    features: list[str]
    targets: list[str]
    beside: list[str]
    types: ColumnTypes
    notes: list[str]


def used_columns(config: NamedConfig, file: TableFile) -> UsedColumns:
    """The columns of a file that a run reads, by its config.

    Raises:
        DataError: for a column that the file does not have, or a name that cannot be shown.
    """
    targets = names_of(config.target)
    named = getattr(config, "categories", [])
    for key, names in (("target", targets), ("categories", named)):
        for name in names:
            file.must_have(name, f"data.{key}")
    features, notes = features_of(config, file, targets)
    beside = beside_features(config, file, [*features, *targets])
    kinds: dict[str, Kind] = dict.fromkeys(named, "category")
    kinds |= {name: kind for name, kind in beside.items() if kind is not None}
    for name in [*features, *beside, *targets]:
        if UNPRINTABLE.search(name):
            raise DataError(
                f"{file.key}: column '{printable(name)}' has control characters in its name"
            )
    types = ColumnTypes(kinds, text_form(config, file))
    return UsedColumns(features, targets, [*beside], types, notes)


def _in_memory(config: MemoryConfig) -> TableFile:
    table: TableFile | None = handed_in(config.fingerprint)
    if table is None:
        raise DataError(
            "data.source=memory: the rows are handed in by a Python program, and are not kept; "
            "call seedbed.train(data=rows, target=NAME) there, seedbed.resume(RUN, data=rows) or "
            "seedbed.reproduce(RUN, data=rows)"
        )
    return table


def _opened(config: FilesConfig, path: Any, key: str) -> TableFile:
    if isinstance(config, ImagesConfig):
        from seedbed.tables.images.training import opened_images

        return opened_images(config, str(path), key)
    if isinstance(config, ParquetConfig):
        from seedbed.tables.parquet_files import parquet_table

        return parquet_table(path, key)
    text = (config.delimiter, config.encoding) if isinstance(config, CsvConfig) else ()
    return opened(Path(path), key, config.source, *text)


def rows_table(config: RowsConfig) -> Table:
    """The rows written in the YAML."""
    x, y = matrix(config.x, "data.x"), matrix(config.y, "data.y")
    if len(x) != len(y):
        raise DataError(
            f"data.x has {counted(len(x), 'row')}, data.y has {len(y)}; they must be as many"
        )
    features = config.features or numbered_names("x", x.shape[1])
    targets = names_of(config.target) or numbered_names("y", y.shape[1])
    columns: dict[str, Column] = {}
    for key, names, values in (("features", features, x), ("target", targets, y)):
        if len(names) != values.shape[1]:
            raise DataError(
                f"data.{key} has {counted(len(names), 'name')} for "
                f"{counted(values.shape[1], 'column')}"
            )
        columns |= {name: Column("number", values[:, index]) for index, name in enumerate(names)}
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
                f"{key}: row {index + 1} has {counted(len(row), 'value')}, the first has "
                f"{len(lists[0])}"
            )
        for value in row:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value):
                raise DataError(
                    f"{key}: row {index + 1} holds {value!r}, which is not a finite number"
                )
    return np.array(lists, dtype=np.float64)
