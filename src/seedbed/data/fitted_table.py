"""What is fitted on all columns of the training rows; `streaming/fitting.py` measures a stream's.

What either measured becomes the run's preprocessing here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbed.config.schema import ColumnsConfig, ImagesConfig
from seedbed.config.task_names import MULTILABEL, NEVER_SCALED, TaskName
from seedbed.data.fitted_column import FittedColumn, constant_columns, fit_features
from seedbed.data.fitted_target import (
    constant_targets,
    outputs_of,
    target_scale_of,
    unit_of_inputs,
)
from seedbed.data.images.levels import fit_images
from seedbed.data.preprocessing import THRESHOLD, Preprocessing
from seedbed.data.target_values import class_numbers, target_matrix
from seedbed.errors import DataError
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.table import Table

NO_LIMIT = 2**31

MOST_NOTES = 3
"""Columns of one value that are told one by one."""


@dataclass(frozen=True)
class Columns:
    """Which columns a run uses, and as what.

    Args:
        features: in order.
        targets: likewise; none where the features are reconstructed.
        task: that the targets pose.
        classes: of the target.
        types: of all.
    """

    features: Sequence[str]
    targets: Sequence[str]
    task: TaskName
    classes: list[str]
    types: ColumnTypes


def fit_table(
    config: ColumnsConfig,
    train: Table,
    columns: Columns,
    fitted: Mapping[str, FittedColumn] | None = None,
) -> tuple[Preprocessing, list[str]]:
    """What is fitted on the training rows, and what a person should know of it.

    Args:
        config: of the data.
        train: the training rows.
        columns: that are used.
        fitted: features that were measured already, by name.

    Raises:
        DataError: if a column or the target has nothing that can be measured.
    """
    targets, classes = columns.targets, columns.classes
    fitted = fitted or {}
    if isinstance(config, ImagesConfig):
        own = [fit_images(columns.features[0], train, standardize=config.standardize)]
    else:
        here = [name for name in columns.features if name not in fitted]
        own = fit_features(here, train, name_limit(config), standardize=config.standardize)
    known = {**fitted, **{one.name: one for one in own}}
    features = [known[name] for name in columns.features]
    constant: list[str] = []
    counts: list[int] = []
    if classes:
        numbers = class_numbers(train, targets[0], classes)
        counts = np.bincount(numbers, minlength=len(classes)).tolist()
        refuse_absent(config, columns, counts)
    else:
        constant = constant_targets(train, targets)
    if columns.task == MULTILABEL:
        labels = target_matrix(train, targets)
        counts = [*(int(one) for one in labels.sum(axis=0)), len(labels)]
    mean, scale = None, None
    if not targets:
        mean, scale = unit_of_inputs(features)
    elif not classes and config.standardize and columns.task not in NEVER_SCALED:
        mean, scale = target_scale_of(train, targets)
    outputs = 1 if classes else outputs_of(train, targets, features)
    preprocessing = preprocessing_of(config, columns, features, outputs, counts, (mean, scale))
    return preprocessing, notes_on_constants(constant_columns(own, train), constant, train.origin)


def preprocessing_of(
    config: ColumnsConfig,
    columns: Columns,
    features: list[FittedColumn],
    outputs: int,
    counts: list[int],
    unit: tuple[Any, Any],
) -> Preprocessing:
    """What was measured, in one.

    Args:
        config: of the data.
        columns: that are used.
        features: fitted.
        outputs: real values of the target of one row; 1 for classes.
        counts: as `Preprocessing.class_counts`.
        unit: mean and scale of the targets; None, twice, where these are left as they are.
    """
    one_array = len(features) == 1 and features[0].shape
    mean, scale = unit
    return Preprocessing(
        features=features,
        task=columns.task,
        target=list(columns.targets or columns.features),
        classes=columns.classes,
        target_mean=mean,
        target_scale=scale,
        input_shape=list(one_array or [sum(one.width for one in features)]),
        outputs=outputs,
        target_kinds=[columns.types.kinds[name] for name in columns.targets or columns.features],
        text=columns.types.text,
        unknown=getattr(config, "unknown", "zeros"),
        class_counts=counts,
        threshold=getattr(config, "threshold", THRESHOLD),
        weight=config.weight,
    )


def name_limit(config: ColumnsConfig) -> int:
    """How many different names a column may have."""
    limit: int = getattr(config, "max_categories", NO_LIMIT)
    return limit


def refuse_absent(config: ColumnsConfig, columns: Columns, counts: Sequence[int]) -> None:
    """Raises DataError if a class is in no training row.

    Args:
        config: of the data.
        columns: that are used.
        counts: training rows of each class.
    """
    absent = [name for name, count in zip(columns.classes, counts, strict=True) if not count]
    if absent:  # parts by groups or times take no heed of classes
        by_column = config.split.by is not None or config.split.time is not None
        stratify = "" if by_column else "type data.split.stratify=true, or "
        raise DataError(
            f"data.target: class '{absent[0]}' of '{columns.targets[0]}' is in no training row; "
            f"{stratify}give it more rows"
        )


def notes_on_constants(features: Sequence[str], targets: Sequence[str], origin: str) -> list[str]:
    """On columns that have one value in all training rows.

    Args:
        features: those that have.
        targets: likewise; they leave nothing to learn, and no r2 to measure.
        origin: of the rows.
    """
    notes = [f"column '{name}' of {origin} has one value in all training rows" for name in features]
    if len(notes) > MOST_NOTES:
        notes = [f"{len(notes)} columns of {origin} have one value in all training rows"]
    return notes + [
        f"data.target: '{name}' of {origin} has one value in all training rows" for name in targets
    ]
