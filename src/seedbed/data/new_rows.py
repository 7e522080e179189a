"""Rows to predict: from JSON, or from a file of the kind that the run was trained on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seedbed.config.hints import did_you_mean, shown
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.preprocessing import Preprocessing, as_float32
from seedbed.data.sources import must_be_file, npz_table
from seedbed.data.table import Column, Table
from seedbed.errors import DataError

ORIGIN = "--input"


def inputs_from_json(rows: Any, preprocessing: Preprocessing) -> np.ndarray[Any, Any]:
    """Model inputs from a list of rows.

    Args:
        rows: each a list of values in the order of the features, or a mapping of names to values.
        preprocessing: of the run.

    Shape:
        (rows, *input_shape) float32

    Raises:
        DataError: for a row of another width, an unknown column or category, or a wrong value.
    """
    if not isinstance(rows, list) or not rows:
        raise DataError(f"{ORIGIN} must be a list of rows such as [[10, 11]], got {_short(rows)}")
    if not preprocessing.features:
        return _bare(rows, preprocessing.input_shape)
    if all(isinstance(row, Mapping) for row in rows):
        return preprocessing.inputs(_from_mappings(rows, preprocessing.features))
    first = preprocessing.features[0]
    if len(preprocessing.features) == 1 and first.shape:
        return preprocessing.inputs(
            Table({first.name: Column("number", _array(rows, first.shape))}, ORIGIN)
        )
    return preprocessing.inputs(_from_lists(rows, preprocessing.features))


def inputs_from_file(
    path: Path, table: Table, preprocessing: Preprocessing
) -> np.ndarray[Any, Any]:
    """Model inputs from a table read from `path`.

    Raises:
        DataError: if a feature's column is missing, or a value does not fit.
    """
    if not preprocessing.features:
        raise DataError(
            f"--file: the run was trained on a Dataset class, so '{path}' has no columns "
            "for it; use --input"
        )
    if len(table) == 0:
        raise DataError(f"--file: '{path}' has no rows")
    for feature in preprocessing.features:
        table.column(feature.name, "--file")
    return preprocessing.inputs(table)


def read_rows(path: Path, data: Mapping[str, Any]) -> Table:
    """The table in a file: CSV, TSV, Parquet or .npz, by its ending.

    Args:
        path: of the file.
        data: `data` of the run's config, for the delimiter, encoding and categories.

    Raises:
        DataError: if it is missing, damaged or of another kind.
    """
    must_be_file(path, "--file")
    ending = path.suffix.lower()
    categories = data.get("categories") or []
    if ending == ".npz":
        return npz_table(path, "--file")
    if ending in (".csv", ".tsv", ".tab", ".txt"):
        from seedbed.data.tabular_files import csv_table

        delimiter = data.get("delimiter") if data.get("source") == "csv" else None
        return csv_table(
            path, "--file", delimiter, str(data.get("encoding") or "utf-8"), categories
        )
    if ending in (".parquet", ".pq"):
        from seedbed.data.tabular_files import parquet_table

        return parquet_table(path, "--file", categories)
    raise DataError(f"--file: '{path}' is no .csv, .tsv, .parquet or .npz file")


def _from_lists(rows: Sequence[Any], features: Sequence[FittedColumn]) -> Table:
    names = [feature.name for feature in features]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list):
            raise DataError(
                f"{ORIGIN}: row {number} must be a list of {len(names)} values, got {_short(row)}; "
                f"one row is written [[{shown(names)}]]"
            )
        if len(row) != len(names):
            raise DataError(
                f"{ORIGIN}: row {number} has {len(row)} values, the run takes {len(names)}: "
                f"{shown(names)}"
            )
    return _table({name: [row[i] for row in rows] for i, name in enumerate(names)}, features)


def _from_mappings(rows: Sequence[Mapping[str, Any]], features: Sequence[FittedColumn]) -> Table:
    names = [feature.name for feature in features]
    for number, row in enumerate(rows, 1):
        for name in row:
            if name not in names:
                raise DataError(
                    f"{ORIGIN}: row {number} has the unknown column '{name}'; the run takes "
                    f"{shown(names)}{did_you_mean(name, names)}"
                )
        for name in names:
            if name not in row:
                raise DataError(
                    f"{ORIGIN}: row {number} has no '{name}'; write null if its value is missing"
                )
    return _table({name: [row[name] for row in rows] for name in names}, features)


def _table(values: Mapping[str, list[Any]], features: Sequence[FittedColumn]) -> Table:
    columns = {feature.name: _column(feature, values[feature.name]) for feature in features}
    return Table(columns, ORIGIN)


def _column(feature: FittedColumn, values: list[Any]) -> Column:
    if feature.categories is not None:
        plain = [_name(feature, row, value) for row, value in enumerate(values, 1)]
        return Column("category", np.array(plain, dtype=object))
    numbers = []
    for row, value in enumerate(values, 1):
        if value is None:
            numbers.append(float("nan"))
        elif isinstance(value, int | float):
            numbers.append(float(value))
        else:
            raise DataError(
                f"{ORIGIN}: row {row}: '{feature.name}' must be a number, got {_short(value)}"
            )
    return Column("number", np.array(numbers))


def _name(feature: FittedColumn, row: int, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, int | float):
        raise DataError(
            f"{ORIGIN}: row {row}: '{feature.name}' must be a name, got {_short(value)}"
        )
    column = Column("boolean" if isinstance(value, bool) else "number", np.array([float(value)]))
    return str(column.as_category().values[0])


def _bare(rows: Sequence[Any], shape: Sequence[int]) -> np.ndarray[Any, Any]:
    return as_float32(_array(rows, shape), ORIGIN)


def _array(rows: Sequence[Any], shape: Sequence[int]) -> np.ndarray[Any, Any]:
    try:
        array = np.array(rows, dtype=np.float64)
    except (ValueError, TypeError) as err:
        raise DataError(
            f"{ORIGIN}: rows must be nested lists of numbers, all alike: {err}"
        ) from err
    if list(array.shape[1:]) != list(shape):
        raise DataError(
            f"{ORIGIN}: rows have the shape {tuple(array.shape[1:])}, the run takes {tuple(shape)}"
        )
    return array


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
