"""Metrics of torchmetrics, which a config names by their classes.

`Recall` stands for `BinaryRecall`, `MulticlassRecall` or `MultilabelRecall`, by the task, with the
defaults of that class; `Accuracy` counts rows, as everybody's accuracy does. torchmetrics is
imported where a config names one of its metrics, as that takes a second.
"""

import inspect
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import torch

from seedbed.config.hints import did_you_mean, joined
from seedbed.config.metric_specs import MetricSpec
from seedbed.config.task_names import BINARY, MULTILABEL, QUANTILES
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import ConfigError
from seedbed.tasks.metrics import Metric
from seedbed.tasks.one_run_metrics import Form, UpdatedByRows
from seedbed.tasks.own_metrics import keeps_rows
from seedbed.tasks.torchmetrics_watched import Watched

INSTALL = "pip install 'seedbed[torchmetrics]'"

PREFIXES = {
    "Binary": "two classes",
    "Multiclass": "several classes",
    "Multilabel": "several labels",
}
"""Of the classes for a kind of target."""

OF_SEVERAL = ("CosineSimilarity", "JensenShannonDivergence", "KLDivergence")
"""Of real values, those that look at all values of a row together."""

OF_ENSEMBLES = "ContinuousRankedProbabilityScore"
"""Of real values, the one that takes several predictions of each."""

TOLD = ("num_classes", "num_labels", "num_outputs", "task")
"""Arguments that the data tells."""


def torchmetrics_metric(
    spec: MetricSpec, task: str, preprocessing: Preprocessing, ours: list[str], *, tried: bool
) -> Metric:
    """A metric of torchmetrics that fits the task.

    Args:
        spec: with a name.
        task: of the run.
        preprocessing: of the data.
        ours: names of Seedbed's that fit.
        tried: whether the metric was computed before, so that what it raises is a matter of the
            rows.

    Raises:
        ConfigError: if torchmetrics is not installed, has no such metric, or it does not fit.
    """
    library = _library(spec, ours)
    prefix = _prefix(task, preprocessing)
    found = _class_named(library, spec, prefix, task, preprocessing, ours)
    arguments = _arguments(found, spec, prefix, preprocessing)
    several = 0 if prefix else preprocessing.outputs

    def make() -> Watched:
        return Watched(found, arguments, several, tried=tried)

    try:
        first = make()
    except Exception as err:  # torchmetrics raises many kinds
        told = " ".join(str(err).split())
        raise ConfigError(f"{spec.where}: {found.__name__} refuses its arguments: {told}") from err
    updated = UpdatedByRows(spec.name, make, _form(prefix, several))
    higher = _direction(spec, first.metric.higher_is_better)
    return Metric(spec.name, higher, updated, updated.pieces, keeps_rows=keeps_rows(first.metric))


def _library(spec: MetricSpec, ours: list[str]) -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what torchmetrics could do with other packages
            import torchmetrics
            import torchmetrics.classification
            import torchmetrics.regression
    except ImportError as err:
        raise ConfigError(
            f"{spec.where}: no metric '{spec.known_as}'; Seedbed has {joined(ours)} for this task"
            f"{did_you_mean(spec.known_as, ours)}; for those of torchmetrics type {INSTALL}"
        ) from err
    return torchmetrics


def _prefix(task: str, preprocessing: Preprocessing) -> str:
    """Of the classes that fit; empty of real values."""
    if task == MULTILABEL:
        return "Multilabel"
    if not preprocessing.classes:
        return ""
    return "Binary" if task == BINARY else "Multiclass"


def _class_named(
    library: ModuleType,
    spec: MetricSpec,
    prefix: str,
    task: str,
    preprocessing: Preprocessing,
    ours: list[str],
) -> type:
    name, fitting = spec.known_as, _fitting(library, prefix, task)
    if name in fitting:
        if not prefix and name in OF_SEVERAL and preprocessing.outputs == 1:
            raise ConfigError(
                f"{spec.where}: {name} looks at all values of a row together, and "
                f"'{preprocessing.target[0]}' is one; type {joined(ours)}, or "
                "MeanAbsolutePercentageError"
            )
        part = library.classification if prefix else library.regression
        found: type = getattr(part, fitting[name])
        return found
    target = f"the target '{', '.join(preprocessing.target[:3])}'"
    is_of = _in_words(task, preprocessing)
    if known := _kinds(name, library):
        others = f", or a name of torchmetrics that fits{_such_as(fitting)}" if fitting else ""
        raise ConfigError(
            f"{spec.where}: {name} is of {known}, and {target} is {is_of}; type {joined(ours)}"
            f"{others}"
        )
    names = [*ours, *fitting]
    raise ConfigError(
        f"{spec.where}: no metric '{name}' for {target}, which is {is_of}"
        f"{did_you_mean(name, names) or f'; there are {joined(ours)}, and those of torchmetrics'}"
    )


def _fitting(library: ModuleType, prefix: str, task: str) -> dict[str, str]:
    """The classes that fit a task, by the names that a config may give them."""
    if task == QUANTILES:
        return {}
    if not prefix:
        return {one: one for one in library.regression.__all__ if one != OF_ENSEMBLES}
    classes = [one for one in library.classification.__all__ if one.startswith(prefix)]
    return {**{one.removeprefix(prefix): one for one in classes}, **{one: one for one in classes}}


def _in_words(task: str, preprocessing: Preprocessing) -> str:
    """What a target is."""
    if preprocessing.classes:
        return f"one of {len(preprocessing.classes)} classes"
    words: dict[str, str] = {QUANTILES: "predicted by its quantiles", MULTILABEL: "several labels"}
    return words.get(task, f"real-valued (task {task})")


def _kinds(name: str, library: ModuleType) -> str:
    """What a metric of torchmetrics is of, in words; empty where there is none of the name."""
    if name == OF_ENSEMBLES:
        return "several predictions of each value"
    if name in library.regression.__all__:
        return "real values"
    of_classes = library.classification.__all__
    kinds = [
        words
        for prefix, words in PREFIXES.items()
        if f"{prefix}{name}" in of_classes or (name.startswith(prefix) and name in of_classes)
    ]
    return kinds[0] if len(kinds) == 1 else "classes" if kinds else ""


def _such_as(fitting: Mapping[str, str]) -> str:
    shown = [one for one in ("Recall", "MeanAbsolutePercentageError") if one in fitting]
    return f", such as {shown[0]}" if shown else ""


def _arguments(
    found: type, spec: MetricSpec, prefix: str, preprocessing: Preprocessing
) -> dict[str, Any]:
    """What the class is made with: what the data tells, and what the entry says."""
    parameters = inspect.signature(found).parameters
    takes = [name for name in parameters if name not in (*TOLD, "args", "kwargs", "validate_args")]
    for key in spec.arguments:
        if key in TOLD:
            raise ConfigError(f"{spec.where}.{key} is told by the data; leave it out")
        if key not in takes:
            raise ConfigError(
                f"no key '{spec.where}.{key}': {found.__name__} takes {joined(takes) or 'none'}"
                f"{did_you_mean(key, takes)}"
            )
    told: dict[str, Any] = {
        "num_classes": len(preprocessing.classes),
        "num_labels": preprocessing.outputs,
        "num_outputs": preprocessing.outputs,
    }
    arguments = {key: value for key, value in told.items() if key in parameters}
    if prefix == "Multilabel" and "threshold" in parameters:
        arguments["threshold"] = _just_below(preprocessing.threshold)
    if spec.known_as == "Accuracy" and prefix == "Multiclass":
        arguments["average"] = "micro"
    arguments |= spec.arguments
    for name, one in parameters.items():
        is_named = one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        if is_named and one.default is one.empty and name not in arguments:
            raise ConfigError(
                f"{spec.where}: {spec.known_as} needs {name}; type "
                f"'{{{spec.known_as}: {{{name}: VALUE}}}}'"
            )
    return arguments


def _just_below(threshold: float) -> float:
    """A label is predicted above it by torchmetrics, and from a threshold on by Seedbed."""
    below = torch.tensor(-torch.inf, dtype=torch.float32)
    return float(torch.nextafter(torch.tensor(threshold, dtype=torch.float32), below))


def _form(prefix: str, outputs: int) -> Form:
    """Probabilities in float32, as torchmetrics takes them, of two classes the second's."""
    if prefix == "Binary":
        return lambda predictions, targets: (predictions[:, 1].float(), targets.long())
    if prefix == "Multilabel":
        return lambda predictions, targets: (predictions.float(), (targets > 0.5).long())
    if prefix:
        return lambda predictions, targets: (predictions.float(), targets)
    if outputs == 1:
        return lambda predictions, targets: (predictions[:, 0], targets[:, 0])
    return lambda predictions, targets: (predictions, targets)


def _direction(spec: MetricSpec, own: bool | None) -> bool | None:
    said = spec.higher_is_better
    if own is not None and said is not None and said != own:
        which = "higher" if own else "lower"
        raise ConfigError(
            f"{spec.where}: {spec.known_as} is better when it is {which}; leave "
            "higher_is_better out"
        )
    return own if said is None else said
