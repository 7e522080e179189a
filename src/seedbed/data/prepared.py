"""The data of a run, ready to train on: read, split, fitted on the training rows, as tensors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import file_digest, sha256
from typing import Any, cast

import numpy as np
import torch
from torch.utils.data import Dataset, TensorDataset

from seedbed.config.schema import (
    ColumnsConfig,
    DataConfig,
    FilesConfig,
)
from seedbed.config.task_names import MULTILABEL, NEVER_SCALED, RECONSTRUCTION, TaskName
from seedbed.data.fitted_column import (
    FittedColumn,
    constant_columns,
    fit_features,
)
from seedbed.data.fitted_target import (
    constant_targets,
    outputs_of,
    target_names,
    target_scale_of,
    unit_of_inputs,
)
from seedbed.data.like_spellings import notes_on_spellings
from seedbed.data.measurable import refuse_infinite
from seedbed.data.preprocessing import (
    THRESHOLD,
    Preprocessing,
    class_names,
    class_numbers,
    refuse_other_numbers,
    target_matrix,
)
from seedbed.data.row_notes import held_out_notes
from seedbed.data.row_parts import refuse_shared, told_of
from seedbed.data.row_weights import checked_weights, refuse_wrong_weights, with_weights
from seedbed.data.splits import parts_of, refuse_no_rest
from seedbed.data.task_choice import task_of
from seedbed.errors import DataError
from seedbed.remote.data_files import local_files, told_by_url
from seedbed.runs.data_paths import files_named, is_several
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.sources import read_file, read_source
from seedbed.tables.table import Table
from seedbed.tables.text_form import TextForm

Rows = Dataset[Any]
"""Anything that gives (x, y) by number; a `TensorDataset` where all of it is in memory."""

NO_LIMIT = 2**31


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
    local, urls = local_files(cast(ColumnsConfig, config))
    config = local
    table = read(config)
    if len(table) < 2:
        count = ("no rows", "one row only")[len(table)]
        raise DataError(f"data: {table.origin} has {count}; 2 to train on are the least")
    targets = target_names(config, table)
    for name in targets:
        table.column(name, "data.target")
    task, classes = task_of(config.task, table, targets) if targets else (RECONSTRUCTION, [])
    if not targets:
        table = table.without_spelling()
    elif not classes:
        values = target_matrix(table, targets)  # refuses while row numbers are the file's
        refuse_other_numbers(task, values, table.origin)
        table = table.without_spelling()
    if config.weight is not None:
        refuse_wrong_weights(config.weight, table)
    names = feature_names(config, table, targets)
    refuse_infinite({name: table.columns[name] for name in names}, table.origin)
    kinds = {name: column.kind for name, column in table.columns.items()}
    types = ColumnTypes(kinds, table.text or TextForm())
    splits = _split_tables(config, seed, table, targets, types, classes=bool(classes))
    train = splits["train"]
    if len(train) < 2:
        raise DataError(
            f"data: {table.origin} leaves {len(train)} row to train on; 2 are the least"
        )
    preprocessing, notes = _fitted(config, train, names, targets, task, classes, types)
    if known is not None:
        from seedbed.data.taken_preprocessing import taken_over  # few runs start from another

        preprocessing, said = taken_over(preprocessing, known)
        notes += [f"the preprocessing is {said}"] if said else []
    tensors = {name: _tensors(preprocessing, one, name) for name, one in splits.items()}
    return PreparedData(
        train=tensors["train"],
        validation=tensors.get("validation"),
        test=tensors.get("test"),
        preprocessing=preprocessing,
        fingerprint=told_by_url(_fingerprint(config, tensors), urls),
        notes=[
            *table.notes,
            *notes,
            *notes_on_spellings(preprocessing, table.origin),
            *held_out_notes(preprocessing.features, table, splits),
        ],
    )


def feature_names(config: ColumnsConfig, table: Table, targets: Sequence[str]) -> list[str]:
    """The columns that a model takes, of those that were read.

    Raises:
        DataError: if there is none, or one is the target.
    """
    hidden = {*targets, *table.targets, *config.beside}
    names = config.features or [name for name in table.columns if name not in hidden]
    for name in names:
        table.column(name, "data.features")
        if name in targets:
            raise DataError(f"data.features: '{name}' is the target; it cannot be a feature too")
    if not names:
        raise DataError(f"data.features: {table.origin} has no column beside the target")
    return list(names)


def _split_tables(
    config: ColumnsConfig,
    seed: int,
    table: Table,
    targets: Sequence[str],
    types: ColumnTypes,
    *,
    classes: bool,
) -> dict[str, Table]:
    """The rows of each split that there is: train, validation, test."""
    split, files = config.split, {}
    if isinstance(config, FilesConfig):
        for name, path in (("validation", config.validation_path), ("test", config.test_path)):
            if path is not None:
                files[name] = read_file(config, path, f"data.{name}_path", types)
                split = replace(split, **{name: 0.0})  # type: ignore[arg-type]
    refuse_no_rest(split)
    strata = class_names(table, targets[0]).ranks() if classes else None
    splits = parts_of(config, split, seed, len(table), told_of(split, table, strata))
    tables = {name: table.taken(rows) for name, rows in splits.items() if len(rows)} | files
    refuse_shared(split, tables, files)
    return {name: tables[name] for name in splits if name in tables}


def _fitted(
    config: ColumnsConfig,
    train: Table,
    names: Sequence[str],
    targets: Sequence[str],
    task: TaskName,
    classes: list[str],
    types: ColumnTypes,
) -> tuple[Preprocessing, list[str]]:
    limit = getattr(config, "max_categories", NO_LIMIT)
    features = fit_features(names, train, limit, standardize=config.standardize)
    notes = [
        f"column '{name}' of {train.origin} has one value in all training rows"
        for name in constant_columns(features, train)
    ]
    if len(notes) > 3:
        notes = [f"{len(notes)} columns of {train.origin} have one value in all training rows"]
    counts: list[int] = []
    if classes:
        numbers = class_numbers(train, targets[0], classes)
        counts = np.bincount(numbers, minlength=len(classes)).tolist()
        absent = [name for name, count in zip(classes, counts, strict=True) if not count]
        if absent:
            raise DataError(
                f"data.target: class '{absent[0]}' of '{targets[0]}' is in no training row; "
                f"{_stratify(config)}give it more rows"
            )
    elif targets:
        notes += constant_targets(train, targets)
    if task == MULTILABEL:
        labels = target_matrix(train, targets)
        counts = [*(int(one) for one in labels.sum(axis=0)), len(labels)]
    mean, scale = None, None
    if not targets:
        mean, scale = unit_of_inputs(features)
    elif not classes and config.standardize and task not in NEVER_SCALED:
        mean, scale = target_scale_of(train, targets)
    return (
        Preprocessing(
            features=features,
            task=task,
            target=list(targets or names),
            classes=classes,
            target_mean=mean,
            target_scale=scale,
            input_shape=_input_shape(features),
            outputs=outputs_of(train, targets, features) if not classes else 1,
            target_kinds=[types.kinds[name] for name in targets or names],
            text=types.text,
            unknown=getattr(config, "unknown", "zeros"),
            class_counts=counts,
            threshold=getattr(config, "threshold", THRESHOLD),
            weight=config.weight,
        ),
        notes,
    )


def _stratify(config: ColumnsConfig) -> str:
    """What may help first; parts by groups or times take no heed of classes."""
    by_column = config.split.by is not None or config.split.time is not None
    return "" if by_column else "type data.split.stratify=true, or "


def _input_shape(features: Sequence[FittedColumn]) -> list[int]:
    if len(features) == 1 and features[0].shape:
        return list(features[0].shape)
    return [sum(feature.width for feature in features)]


def _tensors(preprocessing: Preprocessing, table: Table, part: str) -> TensorDataset:
    x = torch.from_numpy(preprocessing.inputs(table))
    targets, name = preprocessing.targets(table), preprocessing.weight
    if name is not None:
        weights = checked_weights(name, table.column(name, "data.weight"), table.origin)
        targets = with_weights(targets, weights, f"{part} rows")
    return TensorDataset(x, torch.from_numpy(targets))


def file_digests(spec: Any) -> dict[str, str]:
    """SHA-256 of each file that a key of `data` names; of several also one of all of them.

    Args:
        spec: of the config.
    """
    digests = {}
    for found in files_named(spec):
        with found.path.open("rb") as file:
            digests[str(found.path)] = file_digest(file, "sha256").hexdigest()
    if not is_several(spec):
        return digests
    whole = sha256("\n".join(digests.values()).encode()).hexdigest()
    return {str(spec): whole, **digests}


def _fingerprint(config: ColumnsConfig, tensors: dict[str, TensorDataset]) -> dict[str, Any]:
    digest = sha256()
    for part in tensors.values():
        for tensor in part.tensors:
            digest.update(tensor.contiguous().numpy().data)
    files: dict[str, str] = {}
    for key in ("path", "validation_path", "test_path"):
        path = getattr(config, key, None)
        if path is not None:
            files |= file_digests(path)
    rows = {name: len(part) for name, part in tensors.items()}
    return {"sha256": digest.hexdigest(), "rows": rows, "files": files}
