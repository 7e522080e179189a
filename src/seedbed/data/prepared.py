"""The data of a run, ready to train on: read, split, fitted on the training rows, as tensors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch.utils.data import Dataset, TensorDataset

from seedbed.config.schema import ColumnsConfig, DataConfig, FilesConfig, ImagesConfig
from seedbed.data.fitted_table import Columns
from seedbed.data.images.levels import refuse_other_images
from seedbed.data.images.rows import ImageRows
from seedbed.data.like_spellings import notes_on_spellings
from seedbed.data.packing import PackedRows, Packing
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.row_notes import held_out_notes
from seedbed.data.row_parts import refuse_shared
from seedbed.data.run_columns import (
    checked_columns,
    drawn_parts,
    fit_or_take,
    own_files,
    targets_of,
)
from seedbed.data.splits import refuse_few_rows, refuse_few_to_train
from seedbed.data.table_fingerprint import fingerprint_of
from seedbed.remote.data_files import local_files, told_by_url
from seedbed.tables.sources import read_file, read_source
from seedbed.tables.table import Table

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
    table, columns = checked_columns(config, table)
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


def _split_tables(
    config: ColumnsConfig, seed: int, table: Table, columns: Columns
) -> dict[str, Table]:
    """The rows of each split that there is: train, validation, test."""
    files = {
        name: read_file(cast(FilesConfig, config), path, f"data.{name}_path", columns.types)
        for name, path in own_files(config).items()
    }
    drawn = drawn_parts(config, seed, table, len(table), columns, files)
    tables = {name: table.taken(rows) for name, rows in drawn.items() if len(rows)} | files
    refuse_shared(config.split, tables, files)
    return {name: tables[name] for name in drawn if name in tables}


def _rows(preprocessing: Preprocessing, table: Table, part: str) -> TensorDataset | ImageRows:
    y, feature = targets_of(preprocessing, table, part), preprocessing.features[0]
    if feature.kind == "image":
        column = table.column(feature.name, "data.file")
        pixels = refuse_other_images(feature, column, table.origin)
        return ImageRows(pixels, torch.from_numpy(column.values), y, feature)
    return TensorDataset(torch.from_numpy(preprocessing.inputs(table)), y)
