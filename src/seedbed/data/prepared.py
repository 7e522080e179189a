"""The data of a run, ready to train on: read, split, fitted on the training rows, as tensors."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch.utils.data import Dataset, TensorDataset

from seedbed.config.schema import ColumnsConfig, DataConfig, FilesConfig, ImagesConfig
from seedbed.config.task_names import RECONSTRUCTION, TaskName
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.fitted_table import Columns, fit_table
from seedbed.data.fitted_target import target_names
from seedbed.data.images.levels import refuse_other_images
from seedbed.data.images.rows import ImageRows
from seedbed.data.like_spellings import notes_on_spellings
from seedbed.data.measurable import refuse_infinite
from seedbed.data.packing import PackedRows, Packing
from seedbed.data.preprocessing import (
    Preprocessing,
    class_names,
    refuse_other_numbers,
    target_matrix,
)
from seedbed.data.row_notes import held_out_notes
from seedbed.data.row_parts import refuse_shared, told_of
from seedbed.data.row_weights import weights_of, with_weights
from seedbed.data.splits import parts_of, refuse_few_rows, refuse_few_to_train, rest_of
from seedbed.data.table_fingerprint import fingerprint_of
from seedbed.data.task_choice import task_of
from seedbed.errors import DataError
from seedbed.remote.data_files import local_files, told_by_url
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.sources import read_file, read_source
from seedbed.tables.table import Table
from seedbed.tables.text_form import TextForm

Rows = Dataset[Any]
"""Anything that gives (x, y) by number; a `TensorDataset` where all of it is in memory."""


@dataclass(frozen=True)
class ColumnsSeen:
    """What all rows of a stream hold, of which there is no table.

    Args:
        missing: rows without a value, by feature.
        names: how many different ones each feature of names has.
        left_out: columns that are not used, and why.
    """

    missing: Mapping[str, int]
    names: Mapping[str, int]
    left_out: Mapping[str, str]


@dataclass(frozen=True)
class PreparedData:
    """The parts of the data, and what was fitted.

    Args:
        train: the training rows; x is (rows, *input_shape) float32, y as `Preprocessing.targets`.
        validation: likewise, or None.
        test: likewise, or None.
        preprocessing: fitted on `train`.
        fingerprint: of the data as read: SHA-256 of the tensors and of each file.
        notes: what a person should know, each once.
        columns: what the columns hold, where the rows are streamed.
    """

    train: Rows
    validation: Rows | None
    test: Rows | None
    preprocessing: Preprocessing
    fingerprint: dict[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    columns: ColumnsSeen | None = None

    @property
    def packing(self) -> Packing | None:
        """How several tensors of a row lie in one, where they do; of all parts alike."""
        return self.train.packing if isinstance(self.train, PackedRows) else None


def prepare_data(
    config: DataConfig,
    seed: int,
    read: Callable[[DataConfig], Table] = read_source,
    known: Preprocessing | None = None,
) -> PreparedData:
    """Reads, splits and fits a table; `custom_dataset.py` and `streaming/` prepare other rows.

    Args:
        config: the group `data`.
        seed: of the run.
        read: reads the table, or has it.
        known: of another run, which is taken over as far as its columns are the same.

    Raises:
        DataError: if anything about the data cannot be used.
    """
    config, table, urls = _read(config, read)
    table, columns = _checked_columns(config, table)
    splits = _split_tables(config, seed, table, columns)
    train = splits["train"]
    refuse_few_to_train(len(train), table.origin)
    preprocessing, notes = fit_or_take(config, train, columns, known)
    rows = {name: _rows(preprocessing, one, name) for name, one in splits.items()}
    return PreparedData(
        train=rows["train"],
        validation=rows.get("validation"),
        test=rows.get("test"),
        preprocessing=preprocessing,
        fingerprint=told_by_url(fingerprint_of(config, rows, splits), urls),
        notes=[
            *table.notes,
            *notes,
            *notes_on_spellings(preprocessing, table.origin),
            *held_out_notes(preprocessing.features, table, splits),
        ],
    )


def _read(
    config: DataConfig, read: Callable[[DataConfig], Table]
) -> tuple[ColumnsConfig, Table, dict[str, str]]:
    """The config of files that are here, what they hold, and where those of URLs come from."""
    urls: dict[str, str] = {}
    if not isinstance(config, ImagesConfig):  # which refuses those at URLs itself
        config, urls = local_files(cast(ColumnsConfig, config))
    config = cast(ColumnsConfig, config)
    table = read(config)
    if isinstance(config, ImagesConfig):
        from seedbed.tables.images.training import like_training  # with Pillow

        config = like_training(config, table)
    refuse_few_rows(len(table), table.origin)
    return config, table, urls


def _checked_columns(config: ColumnsConfig, table: Table) -> tuple[Table, Columns]:
    """The columns that a run uses; the table without its spelling, where no class needs it.

    Raises:
        DataError: if one of them cannot be used.
    """
    table, targets, task, classes = checked_targets(config, table)
    names = feature_names(config, table, targets)
    refuse_infinite({name: table.columns[name] for name in names}, table.origin)
    kinds = {name: column.kind for name, column in table.columns.items()}
    types = ColumnTypes(kinds, table.text or TextForm())
    return table, Columns(names, targets, task, classes, types)


def checked_targets(
    config: ColumnsConfig, table: Table
) -> tuple[Table, list[str], TaskName, list[str]]:
    """The targets, the task that they pose and its classes, while row numbers are the file's.

    Returns:
        The table without its spelling, where no class needs it, and these.

    Raises:
        DataError: if a target, or a weight, cannot be used.
    """
    targets = target_names(config, table)
    for name in targets:
        table.column(name, "data.target")
    task, classes = task_of(config.task, table, targets) if targets else (RECONSTRUCTION, [])
    if targets and not classes:
        refuse_other_numbers(task, target_matrix(table, targets), table.origin)
    if not classes:
        table = table.without_spelling()
    if config.weight is not None:
        weights_of(config.weight, table)  # refuses wrong ones by the rows of the file
    return table, targets, task, classes


def fit_or_take(
    config: ColumnsConfig,
    train: Table,
    columns: Columns,
    known: Preprocessing | None,
    fitted: Mapping[str, FittedColumn] | None = None,
) -> tuple[Preprocessing, list[str]]:
    """As `fit_table`, but what another run knows is taken over as far as the columns are the same.

    Args:
        config: of the data.
        train: the training rows.
        columns: that are used.
        known: of the other run; None where the run starts from none.
        fitted: features that were measured already, by name.
    """
    preprocessing, notes = fit_table(config, train, columns, fitted)
    if known is not None:
        from seedbed.data.taken_preprocessing import taken_over  # few runs start from another

        preprocessing, said = taken_over(preprocessing, known)
        notes += [f"the preprocessing is {said}"] if said else []
    return preprocessing, notes


def feature_names(config: ColumnsConfig, table: Table, targets: Sequence[str]) -> list[str]:
    """The columns that a model takes, of those that were read.

    Raises:
        DataError: if there is none, or one is the target.
    """
    hidden = {*targets, *table.targets, *config.beside}
    names = config.features or [name for name in table.columns if name not in hidden]
    for name in names:
        table.column(name, "data.features")
        refuse_targets([name], targets)
    if not names:
        raise DataError(f"data.features: {table.origin} has no column beside the target")
    return list(names)


def refuse_targets(features: Sequence[str], targets: Collection[str]) -> None:
    """Raises DataError for a feature that is a target too."""
    for name in features:
        if name in targets:
            raise DataError(f"data.features: '{name}' is the target; it cannot be a feature too")


def own_files(config: ColumnsConfig) -> dict[str, Any]:
    """The parts that have files of their own, and what names these."""
    if not isinstance(config, FilesConfig):
        return {}
    paths = {"validation": config.validation_path, "test": config.test_path}
    return {name: path for name, path in paths.items() if path is not None}


def _split_tables(
    config: ColumnsConfig, seed: int, table: Table, columns: Columns
) -> dict[str, Table]:
    """The rows of each split that there is: train, validation, test."""
    files = {
        name: read_file(cast(FilesConfig, config), path, f"data.{name}_path", columns.types)
        for name, path in own_files(config).items()
    }
    split = rest_of(config.split, files)
    strata = class_names(table, columns.targets[0]).ranks() if columns.classes else None
    splits = parts_of(config, split, seed, len(table), told_of(split, table, strata))
    tables = {name: table.taken(rows) for name, rows in splits.items() if len(rows)} | files
    refuse_shared(split, tables, files)
    return {name: tables[name] for name in splits if name in tables}


def _rows(preprocessing: Preprocessing, table: Table, part: str) -> TensorDataset | ImageRows:
    y, feature = targets_of(preprocessing, table, part), preprocessing.features[0]
    if feature.kind == "image":
        column = table.column(feature.name, "data.file")
        pixels = refuse_other_images(feature, column, table.origin)
        return ImageRows(pixels, torch.from_numpy(column.values), y, feature)
    return TensorDataset(torch.from_numpy(preprocessing.inputs(table)), y)


def targets_of(preprocessing: Preprocessing, table: Table, part: str) -> torch.Tensor:
    """The targets of rows, with their weights where they have some.

    Args:
        preprocessing: of the run.
        table: of the rows.
        part: its name, for errors.

    Raises:
        DataError: if a target or a weight cannot be used.
    """
    targets, name = preprocessing.targets(table), preprocessing.weight
    if name is not None:
        targets = with_weights(targets, weights_of(name, table), f"{part} rows")
    return torch.from_numpy(targets)
