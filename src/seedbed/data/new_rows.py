"""Rows to predict, as the model takes them: from a file, read by the column types of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed.data.fitted_column import FittedColumn
from seedbed.data.images.levels import image_feature, is_resized, wanted_size
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.row_notes import notes_on_rows, unknown_names
from seedbed.errors import DataError
from seedbed.tables.column_types import later_table
from seedbed.tables.table import Table
from seedbed.tables.table_file import TableFile

if TYPE_CHECKING:
    from seedbed.tables.images.decoding import ImageForm

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
    return rows_of_table(table, preprocessing)


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


def rows_of_table(table: Table, preprocessing: Preprocessing) -> NewRows:
    """Model inputs from a table of the run's features, and what is to be told of them."""
    inputs = preprocessing.inputs(table)
    features = preprocessing.features
    unknown = unknown_names(features, table)
    notes = notes_on_rows(features, table, f"rows of {table.origin}", unknown)
    return NewRows(inputs, unknown, notes)
