"""What a model is asked for: the loss, the form of its outputs, and the metrics of the task."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import ConfigError

AUTOMATIC = {
    "regression": "torch.nn.MSELoss",
    "binary": "torch.nn.BCEWithLogitsLoss",
    "multiclass": "torch.nn.CrossEntropyLoss",
}
"""The loss that `loss=auto` takes for a task."""

FITS = {
    "torch.nn.MSELoss": ("regression",),
    "torch.nn.L1Loss": ("regression",),
    "torch.nn.HuberLoss": ("regression",),
    "torch.nn.SmoothL1Loss": ("regression",),
    "torch.nn.BCEWithLogitsLoss": ("binary",),
    "torch.nn.CrossEntropyLoss": ("binary", "multiclass"),
}
OPTIONS = {
    "torch.nn.MSELoss": "mse",
    "torch.nn.L1Loss": "l1",
    "torch.nn.HuberLoss": "huber",
    "torch.nn.BCEWithLogitsLoss": "bce",
    "torch.nn.CrossEntropyLoss": "cross_entropy",
}

METRICS = {
    "regression": ("mse", "mae", "r2"),
    "binary": ("accuracy", "f1", "auroc"),
    "multiclass": ("accuracy", "f1", "auroc"),
}
"""What is measured on validation and test rows, beside the loss."""

HIGHER_IS_BETTER = ("r2", "accuracy", "f1", "auroc")


@dataclass(frozen=True)
class TaskHead:
    """A loss that fits the task of the data.

    Args:
        loss_name: the class.
        loss_function: called as loss(output, target).
        preprocessing: the task, the classes and the target's scale.
    """

    loss_name: str
    loss_function: nn.Module
    preprocessing: Preprocessing

    @property
    def trainable(self) -> list[nn.Parameter]:
        """The parameters that a loss of the user's own has; they are trained with the model's."""
        loss = self.loss_function
        if not isinstance(loss, nn.Module):
            return []
        return [one for one in loss.parameters() if one.requires_grad]

    @property
    def state(self) -> dict[str, Any]:
        """The `state_dict` of a loss of the user's own; empty of torch's, which keep nothing."""
        loss = self.loss_function
        if not isinstance(loss, nn.Module) or type(loss).__module__.startswith("torch."):
            return {}
        return dict(loss.state_dict())

    @property
    def one_logit(self) -> bool:
        """Whether two classes are told apart by a single number."""
        return self.loss_name == "torch.nn.BCEWithLogitsLoss"

    @property
    def outputs(self) -> int:
        """How many numbers the model gives for a row."""
        classes = len(self.preprocessing.classes)
        return 1 if self.one_logit else classes or self.preprocessing.outputs

    @cached_property
    def is_sum(self) -> bool:
        """Whether the loss of a batch is the sum over its rows; the mean otherwise."""
        return getattr(self.loss_function, "reduction", None) == "sum"

    def batch_weight(self, y: Tensor, *, stacked: bool = False) -> Tensor | int:
        """What the loss of a batch counts among those of an epoch.

        An epoch's train/loss is the loss of all its rows at once, had the weights stood still: sums
        add up, and means are weighted as torch weighs rows, which counts none of an ignored class.

        Args:
            y: targets of the batch.
            stacked: whether they are those of many runs.

        Shape:
            (batch, …) -> (), or stacked (runs, batch, …) -> (runs,)
        """
        if self.is_sum:
            return 1
        if self._class_weights is None or y.is_floating_point():
            return y.shape[int(stacked)]
        return self._class_weights.to(y.device)[y].flatten(int(stacked)).sum(int(stacked))

    @cached_property
    def _class_weights(self) -> Tensor | None:
        """Of each class in the mean, where they differ; (classes,)."""
        loss = self.loss_function
        if not isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
            return None
        classes = len(self.preprocessing.classes)
        weights = torch.ones(classes) if loss.weight is None else loss.weight.detach().clone()
        if 0 <= loss.ignore_index < classes:
            weights[loss.ignore_index] = 0
        return None if bool((weights == 1).all()) else weights

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """The loss of a batch: the mean over its rows, or with `reduction=sum` their sum.

        Shape:
            output (batch, outputs), y (batch, …) -> ()
        """
        if y.is_floating_point():
            y = y if y.ndim == 2 else y.reshape(len(y), -1)
        elif self.one_logit:
            y = y.reshape(-1, 1).to(output.dtype)
        else:
            y = y.reshape(-1)
        loss: Tensor = self.loss_function(output, y)
        return loss

    def probabilities(self, output: Tensor) -> Tensor:
        """Of each class.

        Shape:
            (rows, outputs) -> (rows, classes)
        """
        if self.one_logit:
            positive = torch.sigmoid(output.reshape(-1, 1))
            return torch.cat([1 - positive, positive], dim=1)
        return torch.softmax(output, dim=1)

    def predictions(self, output: Tensor) -> np.ndarray[Any, Any]:
        """Regression outputs in the target's own unit, (rows, outputs) float64."""
        return self.preprocessing.predictions(output.cpu().double().numpy())

    @staticmethod
    def load_metrics() -> None:
        """Imports what `metrics` asks, a second's work; not every run measures anything."""
        importlib.import_module("torchmetrics.functional")

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, float]:
        """The task's metrics over a whole part of the data, NaN where one is not defined.

        Shape:
            output (rows, outputs), y as `Preprocessing.targets`
        """
        from torchmetrics import functional as measure

        if self.preprocessing.task == "regression":
            predicted = torch.from_numpy(self.predictions(output))
            actual = torch.from_numpy(self.predictions(y.reshape(len(y), -1)))
            varies = bool((actual.amax(dim=0) > actual.amin(dim=0)).all())
            return {
                "mse": float(measure.mean_squared_error(predicted, actual)),
                "mae": float(measure.mean_absolute_error(predicted, actual)),
                "r2": _explained(predicted, actual) if varies else float("nan"),
            }
        probabilities, actual = self.probabilities(output.float()).cpu(), y.reshape(-1).cpu()
        classes = len(self.preprocessing.classes)
        settings: dict[str, Any] = {"task": "multiclass", "num_classes": classes}
        scored = probabilities
        if classes == 2:
            settings, scored = {"task": "binary"}, probabilities[:, 1]
        predicted = probabilities.argmax(dim=1)
        present = len(actual.unique()) == classes
        area: Any = measure.auroc(scored, actual, **settings) if present else float("nan")
        if classes > 2:
            settings["average"] = "macro"
        return {
            "accuracy": float((predicted == actual).double().mean()),
            "f1": float(measure.f1_score(predicted, actual, **settings)),
            "auroc": float(area),
        }


def _explained(predicted: Tensor, actual: Tensor) -> float:
    """R2, the mean over outputs; torchmetrics takes errors that are small in themselves for none.

    Shape:
        (rows, outputs) float64, twice
    """
    error = (predicted - actual).square().sum(dim=0)
    around_mean = (actual - actual.mean(dim=0)).square().sum(dim=0)
    return float((1 - error / around_mean).mean())


def build_task_head(
    spec: Mapping[str, Any], allow: AllowList, preprocessing: Preprocessing
) -> TaskHead:
    """The loss of a config; `loss=auto` takes the task's.

    Raises:
        ConfigError: if the loss does not fit the task.
        NotAllowedError: if its class may not be built.
    """
    task = preprocessing.task
    name = str(spec["_target_"] or AUTOMATIC[task])
    if task not in FITS.get(name, (task,)):
        target = preprocessing.target[0]
        option = OPTIONS.get(name, name)
        classes = len(preprocessing.classes)
        kind = "real-valued (task regression)" if not classes else f"one of {classes} classes"
        other = (
            "; if its values are classes, type data.task=multiclass"
            if not classes
            else "; if its values are quantities, type data.task=regression"
        )
        raise ConfigError(
            f"loss={option} does not fit the target '{target}', which is {kind}; "
            f"type loss={OPTIONS[AUTOMATIC[task]]}{other}"
        )
    return TaskHead(name, _built({**spec, "_target_": name}, allow), preprocessing)


def _built(spec: Mapping[str, Any], allow: AllowList) -> nn.Module:
    if spec["_target_"] in FITS:  # torch's own, which draw nothing
        known: nn.Module = allow.build(spec, "loss")
        return known
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # what a loss of the user's draws is a matter of its config alone
        built: nn.Module = allow.build(spec, "loss")
    return built
