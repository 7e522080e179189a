"""Rows to predict from JSON, or from lists of a program, read by the column types of the run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seedbed.config.fitting import as_float
from seedbed.config.hints import counted, did_you_mean, joined, shortened
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.images.levels import image_feature, wanted_size
from seedbed.data.input_matrix import as_float32
from seedbed.data.new_rows import NewRows, rows_of_table
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import DataError
from seedbed.tables.column_types import later_table
from seedbed.tables.memory_table import MemoryTable
from seedbed.tables.missing_numbers import without_marks
from seedbed.tables.spellings import number_name
from seedbed.tables.table import Column, Table
from seedbed.tables.text_form import CellForm

ORIGIN = "--input"


def rows_from_json(rows: Any, preprocessing: Preprocessing, origin: str = ORIGIN) -> NewRows:
    """Model inputs from a list of rows.

    Args:
        rows: each a list of values in the order of the features, or a mapping of names to values.
        preprocessing: of the run.
        origin: the argument that the rows were given by, for errors.

    Raises:
        DataError: for a row of another width, an unknown column, or a value of another kind.
    """
    if not isinstance(rows, list) or not rows:
        raise DataError(
            f"{origin} must be a list of rows such as [[10, 11]], got {shortened(repr(rows))}"
        )
    features = preprocessing.features
    if preprocessing.form is not None:
        from seedbed.data.nested_rows import nested_rows  # with torch

        return NewRows(nested_rows(rows, preprocessing.row_form, origin), {}, ())
    feature = image_feature(features)
    if feature is not None:
        return rows_of_table(_levels(rows, feature, origin), preprocessing)
    if not features:
        array = _array(rows, preprocessing.input_shape, origin)
        return NewRows(as_float32(array, origin), {}, ())
    if not all(isinstance(row, Mapping) for row in rows):
        if len(features) == 1 and features[0].shape and features[0].parts is None:
            column = Column("number", _array(rows, features[0].shape, origin))
            return rows_of_table(Table({features[0].name: column}, origin), preprocessing)
        values = _from_lists(rows, [one.name for one in features], origin)
    else:
        values = _from_mappings(rows, [one.name for one in features], origin)
    return rows_of_table(_json_table(values, preprocessing, origin), preprocessing)


def _levels(rows: list[Any], feature: FittedColumn, origin: str) -> Table:
    """Images as lists of levels: channels of rows of pixels."""
    from seedbed.tables.images.handed_levels import image_cells

    array = _array(rows, [feature.shape[0], *wanted_size(feature)], origin)
    cells = image_cells(array, origin)
    return Table({feature.name: Column("image", cells.rows, pixels=cells.pixels)}, origin)


def _json_table(
    values: Mapping[str, list[Any]], preprocessing: Preprocessing, origin: str
) -> Table:
    """The rows by the run's types; columns of nothing but numbers need no Arrow to be read."""
    plain, texts = {}, {}
    for feature in preprocessing.features:
        cells, form = values[feature.name], preprocessing.text.of(feature.name)
        if (
            form.date is None
            and feature.kind == "number"
            and all(type(cell) in (int, float) for cell in cells)
        ):
            values_given = np.array([as_float(cell) for cell in cells])
            plain[feature.name] = Column("number", without_marks(values_given, form))
        else:
            texts[feature.name] = [
                _text(feature, cell, row, form, origin) for row, cell in enumerate(cells)
            ]
    return Table({**plain, **_read(texts, preprocessing, origin)}, origin)


def _read(
    texts: Mapping[str, list[str | None]], preprocessing: Preprocessing, origin: str
) -> Mapping[str, Column]:
    """The columns of texts that a CSV would hold."""
    if not texts:
        return {}
    import pyarrow as pa

    from seedbed.tables.arrow_values import texts as arrow_texts

    columns = {name: arrow_texts(cells, pa.string()) for name, cells in texts.items()}
    file = MemoryTable(columns, origin, origin)
    return later_table(file, file.names, preprocessing.types).columns


def _text(feature: FittedColumn, value: Any, row: int, form: CellForm, origin: str) -> str | None:
    """A value of JSON as the run's files would hold it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        number = number_name(value) if isinstance(value, float) else _digits(value)
        is_number = feature.kind == "number" and form.date is None
        return (form.unit or "") + number.replace(".", form.decimal) if is_number else number
    if value is None or (isinstance(value, str) and _is_text(value)):
        return value
    kind = {"number": "number", "boolean": "truth value", "category": "name"}[feature.kind]
    raise DataError(
        f"{origin}: row {row + 1}: '{feature.name}' must be a {kind}, got {shortened(repr(value))}"
    )


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to write thousands of digits
        return "inf" if value > 0 else "-inf"


def _is_text(value: str) -> bool:
    """Whether it is text that a file could hold: no halves of a character."""
    try:
        value.encode()
    except UnicodeError:
        return False
    return True


def _from_lists(rows: Sequence[Any], names: Sequence[str], origin: str) -> dict[str, list[Any]]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list):
            raise DataError(
                f"{origin}: row {number} must be a list of {counted(len(names), 'value')}, got "
                f"{shortened(repr(row))}; one row is written [[{joined(names)}]]"
            )
        if len(row) != len(names):
            raise DataError(
                f"{origin}: row {number} has {counted(len(row), 'value')}, the run takes "
                f"{len(names)}: {joined(names)}"
            )
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _from_mappings(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], origin: str
) -> dict[str, list[Any]]:
    for number, row in enumerate(rows, 1):
        for name in row:
            if name not in names:
                raise DataError(
                    f"{origin}: row {number} has the unknown column '{name}'; the run takes "
                    f"{joined(names)}{did_you_mean(name, names)}"
                )
        for name in names:
            if name not in row:
                raise DataError(
                    f"{origin}: row {number} has no '{name}'; write null if its value is missing"
                )
    return {name: [row[name] for row in rows] for name in names}


def _array(rows: Sequence[Any], shape: Sequence[int], origin: str) -> np.ndarray[Any, Any]:
    try:
        array = np.array(rows, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as err:
        raise DataError(
            f"{origin}: rows must be nested lists of numbers, all alike: {err}"
        ) from err
    if list(array.shape[1:]) != list(shape):
        raise DataError(
            f"{origin}: rows have the shape {tuple(array.shape[1:])}, the run takes {tuple(shape)}"
        )
    return array
