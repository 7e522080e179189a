"""What data of images have beyond other tables: the size that they are cut to, and transforms."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import torch

from seedbed.components import AllowList
from seedbed.config.schema import ImagesConfig
from seedbed.config.task_names import RECONSTRUCTION
from seedbed.data.images.levels import FULL
from seedbed.data.images.rows import ImageRows
from seedbed.data.prepared import PreparedData
from seedbed.data.transforms.build import KEY, built_transforms
from seedbed.data.transforms.own import OwnTransform
from seedbed.data.transforms.pipeline import Pipeline
from seedbed.data.transforms.transform import Draws, Transform
from seedbed.errors import ConfigError


def with_transforms(data: PreparedData, config: ImagesConfig, allow: AllowList) -> PreparedData:
    """The data, of which training rows are changed at random, and all are cut to one size.

    Args:
        data: prepared, without transforms.
        config: `data`.
        allow: what may be named.

    Raises:
        ConfigError: if a transform cannot be built, or does not take the images.
        DataError: if one of the user's own does not give images.
        NotAllowedError: if it may not be named.
    """
    transforms = built_transforms(config.transforms, allow)
    if transforms and data.preprocessing.task == RECONSTRUCTION:
        raise ConfigError(
            f"{KEY}: data.task=reconstruction predicts the images as they are, and transforms "
            f"would change what goes in alone; type {KEY}=[]"
        )
    train = cast(ImageRows, data.train)
    channels, height, width = train.pixels.shape
    shape = [channels, *_size_after(transforms, height, width)]
    decoded = {"size": [height, width], "resized": config.size is not None}
    feature = replace(train.feature, shape=shape, decoded=decoded)
    notes = [*data.notes, *_notes_on_own(transforms, train)]
    parts: dict[str, Any] = {
        name: replace(rows, feature=feature)
        for name in ("train", "validation", "test")
        if (rows := cast(ImageRows | None, getattr(data, name))) is not None
    }
    if transforms:
        parts["train"] = replace(parts["train"], pipeline=Pipeline(transforms))
    preprocessing = replace(data.preprocessing, features=[feature], input_shape=shape)
    return replace(data, preprocessing=preprocessing, notes=notes, **parts)


def _size_after(transforms: Sequence[Transform], height: int, width: int) -> tuple[int, int]:
    """The height and width of what they give together."""
    for number, transform in enumerate(transforms):
        try:
            height, width = transform.size_after(height, width)
        except ValueError as err:
            raise ConfigError(f"{KEY}[{number}]: {type(transform).__name__}: {err}") from err
    return height, width


def _notes_on_own(transforms: Sequence[Transform], train: ImageRows) -> list[str]:
    """Tries those of the user's own on the first training image, as it comes to each.

    Raises:
        DataError: if one does not give images.
    """
    if not any(isinstance(one, OwnTransform) for one in transforms):
        return []
    import numpy as np

    levels = train.levels[train.numbers[:1]]
    x: torch.Tensor = levels.float() / FULL
    notes = []
    for transform in transforms:
        if isinstance(transform, OwnTransform):
            notes += transform.tried(x[0])
        x = transform(x, Draws(np.zeros(1, dtype=np.uint64)))
    return notes
