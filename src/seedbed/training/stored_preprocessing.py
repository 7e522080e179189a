"""Reads a run's `preprocessing.json`, which may come from a stranger."""

from math import prod
from typing import get_args

import numpy as np

from seedbed.config.hints import joined
from seedbed.config.task_names import RECONSTRUCTION, TARGET_KINDS, takes_real_values
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.preprocessing import Preprocessing, UnknownNames
from seedbed.errors import RunDirectoryError
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json
from seedbed.tables.text_form import Kind, TextForm
from seedbed.training.bounds import LARGEST_OUTPUT


def read_preprocessing(paths: RunPaths) -> Preprocessing:
    """What was fitted on the training rows of a run.

    Raises:
        RunDirectoryError: if it is missing or damaged.
    """
    plain = read_json(paths.preprocessing)
    try:
        preprocessing = Preprocessing.from_json(plain)
        _refuse_damage(preprocessing)
    except KeyError as err:
        raise RunDirectoryError(f"'{paths.preprocessing}' is damaged: it has no {err}") from err
    except (TypeError, ValueError, AttributeError) as err:
        raise RunDirectoryError(f"'{paths.preprocessing}' is damaged: {err}") from err
    return preprocessing


def _refuse_damage(preprocessing: Preprocessing) -> None:
    """Raises TypeError or ValueError if a part is of the wrong kind, or they do not go together."""
    if preprocessing.task not in list(TARGET_KINDS):
        raise ValueError(f"there is no task {preprocessing.task!r}")
    _must_be_sizes(preprocessing.input_shape, "input_shape")
    if preprocessing.form is not None and preprocessing.features:
        raise ValueError("it has a form of rows beside columns")
    assert preprocessing.row_form is not None  # raises for one that is damaged
    _must_be_sizes([preprocessing.outputs], "outputs")
    _must_be_texts(preprocessing.classes, "classes")
    _must_be_texts(preprocessing.target, "target")
    if not preprocessing.target:
        raise ValueError("it names no target")
    if takes_real_values(preprocessing.task) != (len(preprocessing.classes) < 2):
        raise ValueError(f"{preprocessing.task} does not go with {preprocessing.classes}")
    for feature in preprocessing.features:
        _refuse_damaged_column(feature)
    widths = sum(feature.width for feature in preprocessing.features)
    if preprocessing.features and widths != prod(preprocessing.input_shape):
        raise ValueError(f"{widths} inputs, but input_shape is {preprocessing.input_shape}")
    if preprocessing.task == RECONSTRUCTION and widths != preprocessing.outputs:
        raise ValueError(f"{widths} inputs, but {preprocessing.outputs} outputs to be the same")
    for numbers in (preprocessing.target_mean, preprocessing.target_scale):
        if numbers is not None and np.shape(numbers) != (preprocessing.outputs,):
            raise ValueError(f"{numbers} must be one number for each of the outputs")
        np.asarray(numbers, dtype=np.float64)

    counts = preprocessing.class_counts
    known = (len(preprocessing.classes), preprocessing.outputs + 1)
    if counts and (not isinstance(counts, list) or len(counts) not in known):
        raise ValueError("class_counts must be one number for each class")
    threshold = preprocessing.threshold
    if type(threshold) is not float or not 0 < threshold < 1:
        raise ValueError("threshold must be a number between 0 and 1")
    if not all(type(one) is int and 0 <= one < 2**53 for one in counts):
        raise ValueError("class_counts must be whole numbers >= 0")
    _must_be_kinds(preprocessing.target_kinds, "target_kinds")
    _refuse_damaged_text(preprocessing.text)
    if preprocessing.unknown not in get_args(UnknownNames):
        raise ValueError(f"unknown must be one of {joined(get_args(UnknownNames))}")


def _refuse_damaged_text(text: TextForm) -> None:
    if text.missing is not None:
        _must_be_texts(text.missing, "text.missing")
    for name in ("units", "dates"):
        forms = getattr(text, name)
        if not isinstance(forms, dict):
            raise ValueError(f"text.{name} must be a form for each column")
        _must_be_texts([*forms, *forms.values()], f"text.{name}")
    marks = [text.decimal, "," if text.thousands is None else text.thousands]
    if not all(isinstance(mark, str) and len(mark) == 1 for mark in marks):
        raise ValueError("text.decimal and text.thousands must be one character each")


def _refuse_damaged_column(column: FittedColumn) -> None:
    _must_be_kinds([column.kind], column.name)
    _must_be_texts([column.name], "name")
    _must_be_sizes(column.shape, column.name)
    if column.categories is not None:
        known = [name for name in column.categories if name is not None]
        _must_be_texts(known, f"categories of '{column.name}'")
        if len(column.categories) > LARGEST_OUTPUT or column.shape:
            raise ValueError(f"categories of '{column.name}' have no shape")
    if (column.kind == "image") != (column.decoded is not None):
        raise ValueError(f"'{column.name}' is {column.kind}, and decoded {column.decoded}")
    if column.decoded is not None:
        _refuse_damaged_images(column, column.decoded)
    for numbers in (column.mean, column.scale):
        measured = np.asarray(numbers, dtype=np.float64).shape
        if np.broadcast_shapes(measured, tuple(column.shape)) != tuple(column.shape):
            raise ValueError(f"'{column.name}' has the shape {column.shape}, its mean {measured}")


def _refuse_damaged_images(column: FittedColumn, decoded: object) -> None:
    """Raises ValueError if images are not cut from larger ones of as many channels."""
    whole = isinstance(decoded, dict) and type(decoded.get("resized")) is bool
    size = decoded.get("size") if isinstance(decoded, dict) else None
    _must_be_sizes(size, f"decoded size of '{column.name}'")
    right = whole and isinstance(size, list) and len(size) == 2 and len(column.shape) == 3
    if not right or column.shape[0] not in (1, 3) or np.any(np.array(column.shape[1:]) > size):
        raise ValueError(f"'{column.name}' of shape {column.shape} is not cut from images {size}")
    if column.mean is None or column.scale is None:
        raise ValueError(f"'{column.name}' has no mean or scale")


def _must_be_sizes(sizes: object, name: str) -> None:
    whole = isinstance(sizes, list) and all(type(size) is int and size > 0 for size in sizes)
    if not isinstance(sizes, list) or not whole or prod(sizes) > LARGEST_OUTPUT:
        raise ValueError(f"{name} must be whole numbers > 0, and not huge")


def _must_be_kinds(kinds: object, name: str) -> None:
    if not isinstance(kinds, list) or not all(kind in get_args(Kind) for kind in kinds):
        raise ValueError(f"{name} must be one of {joined(get_args(Kind))}")


def _must_be_texts(texts: object, name: str) -> None:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} must be texts")
