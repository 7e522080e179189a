"""A trained model brought back from its run directory alone.

The directory may come from a stranger: its config is read as plain data, the classes that it
names are built only from the allow-list, and that list is the reader's own (`SEEDBED_ALLOW`, or
`allow:` in the `conf/config.yaml` of the working directory), never the run's.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, get_args

import numpy as np
from torch import nn

from seedbed.components import AllowList
from seedbed.config.hints import joined
from seedbed.config.locations import users_allowed
from seedbed.config.task_names import RECONSTRUCTION, TARGET_KINDS, takes_real_values
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.preprocessing import Preprocessing, UnknownNames
from seedbed.errors import RunDirectoryError
from seedbed.models.build import build_model
from seedbed.runs.checkpoint import load, load_weights
from seedbed.runs.code import changed_code
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import open_run, read_config, read_json
from seedbed.runs.stored import is_stored
from seedbed.tables.text_form import Kind, TextForm
from seedbed.tasks.build_head import build_task_head
from seedbed.tasks.head import TaskHead
from seedbed.training.averaging import load_average
from seedbed.training.bounds import (
    LARGEST_OUTPUT,
    built_loss,
    built_within,
    most_bytes,
    refuse_larger,
    refuse_repeats,
)
from seedbed.training.run_components import RunComponents
from seedbed.views.missing_weights import (
    note_on_untrained,
    refuse_no_best,
    refuse_unfinished,
)


@dataclass(frozen=True)
class TrainedModel:
    """A model with its weights, ready to predict on the CPU.

    Args:
        model: in evaluation mode.
        head: its loss, and the form of its outputs.
        config: of the run, in plain containers.
        allow: the reader's own allow-list.
        notes: for the user; on code that is not what it was, on weights that nothing trained.
        values_per_row: how many it makes of a row in one place, 0 if that is not known.
    """

    model: nn.Module
    head: TaskHead
    config: dict[str, Any]
    allow: AllowList
    notes: Sequence[str] = ()
    values_per_row: int = 0

    @property
    def preprocessing(self) -> Preprocessing:
        """What was fitted on the training rows."""
        return self.head.preprocessing


def load_trained(path: str | Path, which: str | None = None) -> TrainedModel:
    """Opens a run.

    Args:
        path: of the run directory.
        which: `last` or `best` checkpoint; None for `model.pth`.

    Raises:
        RunDirectoryError: if the directory is missing a file, or one is damaged.
        CheckpointError: if the weights are damaged, or of another model.
        NotAllowedError: if the run names a class that the reader has not allowed.
    """
    paths = open_run(path)
    config = read_config(paths)
    allow = AllowList(users_allowed())
    file = {None: paths.model, "last": paths.last, "best": paths.best}[which]
    head, build = _model_of(paths, config, allow, most_bytes(file))
    if which is None and not os.path.lexists(file):
        refuse_unfinished(paths)
    weights = load(file)
    if which == "best":
        refuse_no_best(weights, paths)
    average = None
    if which is not None:
        average = weights.get("average") if isinstance(weights, dict) else None
        weights = weights.get("model") if isinstance(weights, dict) else None
    shape = head.preprocessing.input_shape
    model, values = built_within(most_bytes(file), config["model"], shape, build)
    load_weights(model, weights, file)
    load_average(model, average, file)
    notes = [*changed_code(paths), *([] if which else note_on_untrained(paths))]
    return TrainedModel(model.eval(), head, config, allow, notes, values)


def refuse_oversized(paths: RunPaths, config: dict[str, Any], allow: AllowList) -> int:
    """Looks at the size of a run's model before it is built anew, to train on.

    Returns:
        How many bytes its weights may take.

    Raises:
        ModelError: if it would be larger than the weights of the run.
    """
    most = most_bytes(paths.last, paths.model)
    refuse_repeats(config.get("model"))
    if is_stored(paths.preprocessing):
        head, build = _model_of(paths, config, allow, most)
        refuse_larger(most, config["model"], head.preprocessing.input_shape, build)
    elif is_stored(paths.last) or is_stored(paths.model):  # it is written before either
        raise RunDirectoryError(f"'{paths.root}' has weights, but no {paths.preprocessing.name}")
    return most


def _model_of(
    paths: RunPaths, config: dict[str, Any], allow: AllowList, most: int
) -> tuple[TaskHead, Callable[[], nn.Module]]:
    """The head of a run, of `most` bytes, and what builds its model."""
    preprocessing = _preprocessing(paths)
    for key in ("model", "loss", "data"):
        if not isinstance(config.get(key), dict):
            raise RunDirectoryError(f"'{paths.config}' has no keys of '{key}'")
    for key in ("model", "loss"):
        if "_target_" not in config[key]:
            raise RunDirectoryError(f"'{paths.config}': {key}._target_ is missing")
    head = built_loss(most, lambda: build_task_head(config["loss"], allow, preprocessing))
    shape, outputs = preprocessing.input_shape, head.outputs
    seed = _seed(config, paths)
    return head, lambda: build_model(config["model"], allow, shape, outputs, seed)


def _seed(config: dict[str, Any], paths: RunPaths) -> int:
    """The run's own: a model of the user's may draw more than its weights, which are read."""
    seed = config.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise RunDirectoryError(f"'{paths.config}': seed is no whole number >= 0")
    return seed


def untrained(plan: RunComponents) -> TrainedModel:
    """The model of a plan with its starting weights, to look at in the same ways."""
    config = {"model": plan.config.model, "seed": plan.config.seed}
    return TrainedModel(plan.model.cpu().eval(), plan.head, config, AllowList(plan.config.allow))


def _preprocessing(paths: RunPaths) -> Preprocessing:
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
    for numbers in (column.mean, column.scale):
        measured = np.asarray(numbers, dtype=np.float64).shape
        if np.broadcast_shapes(measured, tuple(column.shape)) != tuple(column.shape):
            raise ValueError(f"'{column.name}' has the shape {column.shape}, its mean {measured}")


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
