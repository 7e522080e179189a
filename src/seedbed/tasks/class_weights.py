"""How much the rows of each class count in a loss: as the config says, or by the training rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.config.fitting import Refused, as_typed, fitted
from seedbed.config.hints import did_you_mean, joined
from seedbed.config.ranges import Fraction, Positive
from seedbed.config.target_keys import (
    BALANCED,
    CLASS_WEIGHTS,
    POS_WEIGHT,
    TARGET_KEYS,
    with_absent,
)
from seedbed.config.task_names import MULTILABEL
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import ConfigError
from seedbed.losses.weighted import weights_in
from seedbed.runs.files import printable
from seedbed.tables.spellings import KnownNames

LEAST_WEIGHT = torch.finfo(torch.float32).tiny
"""Less than this is 0 where the loss computes with it."""


def takes_weights(spec: Mapping[str, Any]) -> bool:
    """Whether the keys of the weights are ours, and not arguments of a class of the user's."""
    own = TARGET_KEYS["loss"].get(spec["_target_"], {})
    return CLASS_WEIGHTS in own or POS_WEIGHT in own


def weight_arguments(spec: Mapping[str, Any], preprocessing: Preprocessing) -> dict[str, Tensor]:
    """What a loss is built with in place of the keys `class_weights` and `pos_weight`.

    Args:
        spec: `loss` of the config, for which `takes_weights`.
        preprocessing: the classes, and how many training rows each has.

    Raises:
        ConfigError: if a class is not there, a weight is not positive, or rows were not counted.
    """
    spec = with_absent(spec)
    if spec.get(CLASS_WEIGHTS) is not None:
        return {"weight": torch.tensor(class_weights(spec[CLASS_WEIGHTS], preprocessing))}
    if spec.get(POS_WEIGHT) is not None:
        of_labels = preprocessing.task == MULTILABEL
        found = _weights_of_labels if of_labels else _pos_weight
        return {POS_WEIGHT: torch.tensor(found(spec[POS_WEIGHT], preprocessing))}
    return {}


def class_weights(asked: Any, preprocessing: Preprocessing) -> list[float]:
    """A weight for each class, by number; 1 for a class that is left out.

    Args:
        asked: `auto`, or weights by class.
        preprocessing: the classes.

    Raises:
        ConfigError: see `weight_arguments`.
    """
    key = f"loss.{CLASS_WEIGHTS}"
    if asked == BALANCED:
        counts = _counted(preprocessing, key)
        rows = sum(counts)
        return [rows / (len(counts) * count) for count in counts]
    if not isinstance(asked, Mapping):
        raise ConfigError(f"{key} must be auto, null or {{class: weight}}, got {as_typed(asked)}")
    where = f"in '{preprocessing.target[0]}'"
    return _by_name(asked, preprocessing.classes, key, "class", where)


def _by_name(
    asked: Mapping[Any, Any], classes: Sequence[str], key: str, kind: str, where: str
) -> list[float]:
    known, weights = KnownNames(classes), dict[int, float]()
    for name, value in asked.items():
        text = str(name).lower() if isinstance(name, bool) else str(name)
        number = known.index(text)
        if number < 0:
            raise ConfigError(
                f"{key}: no {kind} '{text[:80]}' {where}; there are "
                f"{joined(classes)}{did_you_mean(text[:80], classes)}"
            )
        if number in weights:
            raise ConfigError(f"{key}: the {kind} '{classes[number]}' has two weights")
        weights[number] = _positive(f"{key}.{text}", value)
    return [weights.get(number, 1.0) for number in range(len(classes))]


def _pos_weight(asked: Any, preprocessing: Preprocessing) -> list[float]:
    key = f"loss.{POS_WEIGHT}"
    if asked == BALANCED:
        first, second = _counted(preprocessing, key)
        return [first / second]
    return [_positive(key, asked)]


def _weights_of_labels(asked: Any, preprocessing: Preprocessing) -> list[float]:
    """Of the rows that have a label, for each of them."""
    key, labels = f"loss.{POS_WEIGHT}", preprocessing.output_names
    if isinstance(asked, Mapping):
        return _by_name(asked, labels, key, "label", "in data.target")
    if asked != BALANCED:
        return [_positive(key, asked)] * len(labels)
    if not preprocessing.class_counts:
        raise ConfigError(_not_looked_at(key))
    *there, rows = preprocessing.class_counts
    for name, count in zip(labels, there, strict=True):
        if not 0 < count < rows:
            which = "no training row" if not count else "every training row"
            raise ConfigError(f"{key}=auto: the label '{name}' is in {which}; give the weights")
    return [(rows - count) / count for count in there]


def smoothing_of(spec: Mapping[str, Any]) -> float:
    """`label_smoothing` of a loss.

    Raises:
        ConfigError: if it is no number from 0 to below 1.
    """
    return _number("loss.label_smoothing", with_absent(spec)["label_smoothing"], Fraction)


def _positive(key: str, value: Any) -> float:
    weight = _number(key, value, Positive)
    if weight < LEAST_WEIGHT:
        raise ConfigError(
            f"{key} must be a number > 0, of which {LEAST_WEIGHT:.2g} is the least in float32, got "
            f"{as_typed(value)}"
        )
    return weight


def _number(key: str, value: Any, hint: Any) -> float:
    try:
        fits: float = fitted(hint, value)
    except Refused as refused:
        raise ConfigError(f"{key} must be {refused}, got {as_typed(value)}") from None
    return fits


def _counted(preprocessing: Preprocessing, key: str) -> list[int]:
    """Training rows of each class.

    Raises:
        ConfigError: if not all rows were looked at, or a class has none.
    """
    counts, classes = preprocessing.class_counts, preprocessing.classes
    if len(counts) != len(classes):
        raise ConfigError(_not_looked_at(key))
    absent = [name for name, count in zip(classes, counts, strict=True) if not count]
    if absent:
        raise ConfigError(
            f"{key}=auto: the class '{absent[0]}' has no training row to count; give the weights"
        )
    return counts


def _not_looked_at(key: str) -> str:
    return (
        f"{key}=auto needs the class of every training row, and not all of them were looked at; "
        "type data.check_rows=null, or give the weights"
    )


def weights_text(loss: nn.Module, classes: Sequence[str]) -> str:
    """` (no 0.61, yes 2.8)` of a loss that weighs its classes; else nothing."""
    weights = weights_in(loss)
    if weights is None:
        return ""
    names = classes[-len(weights) :]
    told = [f"{printable(k)} {float(one):.4g}" for k, one in zip(names, weights, strict=False)]
    return f" (weights {joined(told)})"
