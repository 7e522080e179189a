"""Rows to predict: from JSON, or from a file, read by the column types of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed.config.fitting import as_float
from seedbed.config.hints import counted, did_you_mean, joined, shortened
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.images.levels import image_feature, is_resized, wanted_size
from seedbed.data.input_matrix import as_float32
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.row_notes import notes_on_rows, unknown_names
from seedbed.errors import DataError
from seedbed.tables.column_types import later_table
from seedbed.tables.memory_table import MemoryTable
from seedbed.tables.missing_numbers import without_marks
from seedbed.tables.spellings import number_name
from seedbed.tables.table import Column, Table
from seedbed.tables.table_file import TableFile
from seedbed.tables.text_form import CellForm

if TYPE_CHECKING:
    from seedbed.tables.images.decoding import ImageForm

ORIGIN = "--input"

UNKNOWN_NAMES = "unknown_names"
"""The name of a column that tells of them."""


@dataclass(frozen=True)
class NewRows:
    """Rows as the model takes them.

    Args:
        inputs: (rows, *input_shape) float32, or what `nested_rows` makes of them.
        unknown: by feature, which rows hold a name that training did not have.
        notes: what a person should know of them.
    """

    inputs: Any
    unknown: Mapping[str, np.ndarray[Any, Any]]
    notes: Sequence[str]

    def warnings(self) -> dict[str, list[str]]:
        """A column that names the features whose value is unknown; none if all are known."""
        return {UNKNOWN_NAMES: self.unknown_names()} if self.unknown else {}

    def unknown_names(self) -> list[str]:
        """Of each row the features whose value is unknown, with a space between."""
        told = [""] * len(self.inputs)
        for name, unknown in self.unknown.items():
            for row in np.flatnonzero(unknown).tolist():
                told[row] = f"{told[row]} {name}" if told[row] else name
        return told


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
        return _new_rows(_levels(rows, feature, origin), preprocessing)
    if not features:
        array = _array(rows, preprocessing.input_shape, origin)
        return NewRows(as_float32(array, origin), {}, ())
    if not all(isinstance(row, Mapping) for row in rows):
        if len(features) == 1 and features[0].shape and features[0].parts is None:
            column = Column("number", _array(rows, features[0].shape, origin))
            return _new_rows(Table({features[0].name: column}, origin), preprocessing)
        values = _from_lists(rows, [one.name for one in features], origin)
    else:
        values = _from_mappings(rows, [one.name for one in features], origin)
    return _new_rows(_json_table(values, preprocessing, origin), preprocessing)


def rows_from_file(file: TableFile, preprocessing: Preprocessing) -> NewRows:
    """Model inputs from a file that `opened_rows` opened, or from a table in memory.

    Raises:
        DataError: if a feature's column is missing, or a value does not fit.
    """
    if not preprocessing.features:
        raise DataError(
            f"{file.key}: the run was trained on a Dataset class, so '{file.origin}' has no "
            "columns for it; use --input"
        )
    names = [one.name for one in preprocessing.features]
    table = later_table(file, names, preprocessing.types)
    if len(table) == 0:
        raise DataError(f"{file.key}: '{file.origin}' has no rows")
    return _new_rows(table, preprocessing)


def opened_rows(
    path: Path,
    data: Mapping[str, Any],
    preprocessing: Preprocessing | None = None,
    *,
    labels: bool = False,
) -> TableFile:
    """A file of rows: CSV, TSV, Parquet, .npz or .npy, by its ending, or a folder of .npy files.

    Of images these, or a folder. A .npy file is the one feature of a run that has one, whatever it
    is called.

    Args:
        path: of the file.
        data: `data` of the run's config, for the delimiter, encoding and features.
        preprocessing: of the run, which may be on images; None for one on columns.
        labels: whether the folders of images name their classes.

    Raises:
        DataError: if it is missing, damaged or of another kind.
    """
    feature = image_feature(preprocessing.features if preprocessing else ())
    if preprocessing is not None and feature is not None:
        from seedbed.tables.images.later import later_images  # with Pillow

        target = preprocessing.target[0] if labels and preprocessing.classes else None
        return later_images(path, "--file", _form(feature), feature.name, target)
    from seedbed.tables.opened_file import opened  # with all that training files need

    features = data.get("features")
    if path.suffix.lower() == ".npy" and path.is_file() and len(features or ()) == 1:
        from seedbed.tables.npy_folder import NpyFolder

        return NpyFolder(path, "--file", str(features[0]))  # type: ignore[index]
    delimiter = data.get("delimiter") if data.get("source") == "csv" else None
    return opened(path, "--file", None, delimiter, str(data.get("encoding") or "utf-8"))


def named_images(table: TableFile, preprocessing: Preprocessing) -> TableFile:
    """A table in memory, whose column of file names is the images where the run takes some."""
    feature = image_feature(preprocessing.features)
    if feature is None:
        return table
    from seedbed.tables.images.later import with_images

    return with_images(table, _form(feature), feature.name)


def _form(feature: FittedColumn) -> "ImageForm":
    """How the files of a run's images are decoded."""
    from seedbed.tables.images.decoding import ImageForm

    return ImageForm(wanted_size(feature) if is_resized(feature) else None, feature.shape[0])


def _levels(rows: list[Any], feature: FittedColumn, origin: str) -> Table:
    """Images as lists of levels: channels of rows of pixels."""
    from seedbed.tables.images.handed_levels import image_cells

    array = _array(rows, [feature.shape[0], *wanted_size(feature)], origin)
    cells = image_cells(array, origin)
    return Table({feature.name: Column("image", cells.rows, pixels=cells.pixels)}, origin)


def _new_rows(table: Table, preprocessing: Preprocessing) -> NewRows:
    inputs = preprocessing.inputs(table)
    features = preprocessing.features
    unknown = unknown_names(features, table)
    notes = notes_on_rows(features, table, f"rows of {table.origin}", unknown)
    return NewRows(inputs, unknown, notes)


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
                f"{len(names)}: "
                f"{joined(names)}"
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
