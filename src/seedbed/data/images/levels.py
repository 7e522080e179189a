"""Levels of images as what a model takes: cut to its shape, then `(level - mean) / scale`.

The same operations in float32 for training, evaluation and prediction, so that their bits agree.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.fitted_column import FittedColumn
from seedbed.errors import DataError
from seedbed.tables.images.pixels import Levels, Pixels
from seedbed.tables.table import Column, Table

FULL = 255.0
"""The highest level; `data.standardize=false` divides by it."""


def fit_images(name: str, train: Table, *, standardize: bool) -> FittedColumn:
    """What is measured on the images of the training rows, channel by channel.

    Args:
        name: of the column.
        train: the training rows.
        standardize: to mean 0 and deviation 1; otherwise levels become numbers from 0 to 1.
    """
    column = train.columns[name]
    assert column.pixels is not None
    channels, height, width = column.pixels.shape
    means, scales = [0.0] * channels, [FULL] * channels
    if standardize:
        means, scales = column.pixels.mean_and_deviation(column.values)
    return FittedColumn(
        name,
        "image",
        [channels, height, width],
        mean=[[[one]] for one in means],
        scale=[[[one]] for one in scales],
        gaps=False,
        decoded={"size": [height, width], "resized": False},
    )


def cut_to(levels: Any, shape: Any) -> Any:
    """The middle of images, as high and wide as the model takes them.

    Shape:
        levels (…, height, width), of NumPy or torch -> (…, *shape[-2:])
    """
    (height, width), (high, wide) = levels.shape[-2:], shape[-2:]
    top, left = (height - high) // 2, (width - wide) // 2
    return levels[..., top : top + high, left : left + wide]


def unit_of(feature: FittedColumn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is subtracted from levels and what they are divided by, each (channels, 1, 1)."""
    mean, scale = (np.asarray(one, dtype=np.float32) for one in (feature.mean, feature.scale))
    return mean, scale


def inputs_of(feature: FittedColumn, levels: Levels) -> NDArray[np.float32]:
    """As `Scaling` of torch; the bits are the same.

    Shape:
        (rows, channels, height, width) -> (rows, *feature.shape)
    """
    mean, scale = unit_of(feature)
    inputs: NDArray[np.float32] = cut_to(levels, feature.shape).astype(np.float32)
    inputs -= mean
    inputs /= scale
    return inputs


def image_feature(features: Sequence[FittedColumn]) -> FittedColumn | None:
    """The feature that is images, of a run that was trained on some."""
    return features[0] if len(features) == 1 and features[0].kind == "image" else None


def wanted_size(feature: FittedColumn) -> tuple[int, int]:
    """The height and width that files are decoded to, before they are cut."""
    decoded = feature.decoded or {}
    height, width = decoded.get("size", feature.shape[1:])
    return height, width


def is_resized(feature: FittedColumn) -> bool:
    """Whether files of any size are resized to it."""
    return bool((feature.decoded or {}).get("resized"))


def refuse_other_images(feature: FittedColumn, column: Column, origin: str) -> Pixels:
    """The images of a column, if they are of the size and channels of the run's.

    Args:
        feature: of the run.
        column: as read.
        origin: for errors.

    Raises:
        DataError: saying what both are.
    """
    if column.pixels is None:
        raise DataError(f"column '{feature.name}' of {origin} must hold images, as the run's does")
    wanted = (feature.shape[0], *wanted_size(feature))
    if len(column) and column.pixels.shape != wanted:
        raise DataError(
            f"images of {origin} are {_told(column.pixels.shape)}, the run was trained on "
            f"{_told(wanted)}; train with data.size=[{wanted[1]},{wanted[2]}] to have images of "
            "all sizes resized"
        )
    return column.pixels


def _told(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    return f"{height} x {width} with {channels} channel{'s' if channels > 1 else ''}"
