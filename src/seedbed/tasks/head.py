"""What stands behind a model's outputs: the loss, predictions and metrics of the task."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.config.task_names import MULTILABEL
from seedbed.data.preprocessing import Preprocessing
from seedbed.losses.of_rows import weighted_mean
from seedbed.losses.quantile import QuantileLoss
from seedbed.losses.weighted import weighted_by, weighted_classes, weights_in
from seedbed.tasks.built_loss import is_ours_or_torchs
from seedbed.tasks.metrics import METRICS, OF_LEVELS, SHIPPED, Metric
from seedbed.tasks.multilabel import EXACT, METRICS_OF_LABELS, label_metric
from seedbed.tasks.registry import column_labels, metric_names, task_for
from seedbed.tasks.task import Task


@dataclass(frozen=True)
class TaskHead:
    """The task of a run with its loss and what was fitted on the targets.

    Args:
        loss_name: the class of the loss.
        loss_function: called as loss(output, target).
        preprocessing: the task's name, the classes and the target's scale.
        is_balanced: whether the loss goes by the training rows of each class.
        chosen: metrics that the config names; None for the task's.
        weights_of_runs: of the classes, a row for each preparation of the data of a stack; its
            targets tell theirs, see `whose`. None where one loss is that of all runs.
        has_own_step: whether a step of the user's own makes the loss of a batch.
        has_metrics: whether the model's outputs are those of the task, so that its metrics fit.
    """

    loss_name: str
    loss_function: nn.Module
    preprocessing: Preprocessing
    is_balanced: bool = False
    chosen: Sequence[Metric] | None = None
    weights_of_runs: Tensor | None = None
    has_own_step: bool = False
    has_metrics: bool = True

    @property
    def trainable(self) -> list[nn.Parameter]:
        """The parameters that a loss of the user's own has; they are trained with the model's."""
        return [one for one in self.loss_function.parameters() if one.requires_grad]

    @property
    def state(self) -> dict[str, Any]:
        """The `state_dict` of a loss of the user's own; empty of torch's, which keep nothing."""
        loss = self.loss_function
        return {} if is_ours_or_torchs(type(loss).__module__) else dict(loss.state_dict())

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Inside, a loss of the user's own is in evaluation mode, as the model is.

        So that no row that is measured moves what it keeps.
        """
        modes = [(one, one.training) for one in self.loss_function.modules()]
        for one, _ in modes:
            one.training = False
        try:
            yield
        finally:
            for one, training in modes:
                one.training = training

    @cached_property
    def task(self) -> Task:
        """What the target asks for."""
        return task_for(self.preprocessing.task, self.loss_name)

    @property
    def quantiles(self) -> list[float]:
        """The levels that are predicted of each target; none where it is one value."""
        loss = self.loss_function
        return loss.quantiles if isinstance(loss, QuantileLoss) else []

    @property
    def outputs(self) -> int:
        """The number of outputs that the model gives for a row."""
        size = len(self.preprocessing.classes) or self.preprocessing.outputs
        return self.task.num_outputs(self.loss_name, size) * max(1, len(self.quantiles))

    @cached_property
    def metric_names(self) -> list[str]:
        """What is measured, in order."""
        if not self.has_metrics:
            return []
        return metric_names(self.task, self.preprocessing, self.chosen)

    @cached_property
    def directions(self) -> dict[str, bool | None]:
        """Whether higher is better, of each metric that is not Seedbed's."""
        names = [name for name in self.metric_names if name not in SHIPPED and "/" not in name]
        return {name: self.named(name).higher_is_better for name in names}

    def named(self, name: str) -> Metric:
        """The metric of a name."""
        return self._chosen_by_name.get(name) or METRICS[name]

    @cached_property
    def _chosen_by_name(self) -> dict[str, Metric]:
        return {one.name: one for one in self.chosen or ()}

    def metric(self, name: str, predictions: Tensor, targets: Tensor) -> Tensor:
        """The value of every run; of quantiles, by their levels.

        Shape:
            as `Metric` -> (runs,)
        """
        if self.task.name == MULTILABEL:
            return self._of_labels(name, predictions, targets)
        if name not in OF_LEVELS or not self.quantiles:
            return self.named(name)(predictions, targets)
        levels = predictions.new_tensor(self.quantiles)
        return METRICS[name](predictions.unflatten(2, (-1, len(levels))), targets, levels)

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
        y, rows = self.taken_apart(y)
        if self._class_weights is None or y.is_floating_point():
            return y.shape[int(stacked)] if rows is None else rows.sum(int(stacked))
        counts = self._class_weights.to(y.device)[y].flatten(int(stacked))
        return (counts if rows is None else counts * rows).sum(int(stacked))

    def taken_apart(self, y: Tensor) -> tuple[Tensor, Tensor | None]:
        """Targets as `Preprocessing.targets`, and the weights of the rows behind them, if any.

        Shape:
            y (…, batch, values + 1) -> (…, batch) numbers of classes or (…, batch, values), and
            (…, batch); without weights y as it is, and None
        """
        if self.preprocessing.weight is None:
            return y, None
        targets, weights = y[..., :-1], y[..., -1]
        return targets[..., 0].long() if self.preprocessing.classes else targets, weights

    @property
    def weighs_rows(self) -> bool:
        """Whether what the loss of a batch counts depends on its targets, not on their number."""
        weighed = self.preprocessing.weight is not None or self._class_weights is not None
        return not self.is_sum and weighed

    @cached_property
    def _class_weights(self) -> Tensor | None:
        """Of each class in the mean, where they differ; by a target's number."""
        loss = self.loss_function
        if self.has_own_step or not isinstance(loss, weighted_classes()):
            return None
        if self.weights_of_runs is not None:
            return self.weights_of_runs.flatten()
        classes, given = len(self.preprocessing.classes), weights_in(loss)
        weights = torch.ones(classes) if given is None else given.detach().clone()
        ignored = getattr(loss, "ignore_index", -1)
        if 0 <= ignored < classes:
            weights[ignored] = 0
        return None if bool((weights == 1).all()) else weights

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """The loss of a batch: the mean over its rows, or with `reduction=sum` their sum.

        Shape:
            output (batch, outputs), y (batch, …) -> ()
        """
        return self.loss_of(output, *self.taken_apart(y))

    def loss_of(self, output: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        """As `loss`, of targets that were taken apart.

        Shape:
            output (batch, outputs), y (batch, …), rows (batch,) -> ()
        """
        y, weight = self._own(y)
        targets = self.task.loss_targets(y, output, self.loss_name)
        if rows is not None:
            return weighted_mean(self.loss_function, output, targets, rows, weight)
        weighted = None if weight is None else weighted_by(self.loss_function)
        if weighted is None or weight is None:
            loss: Tensor = self.loss_function(output, targets)
            return loss
        return weighted(output, targets, weight)

    def _own(self, y: Tensor) -> tuple[Tensor, Tensor | None]:
        """Class numbers and weights of one run, from targets that tell whose they are."""
        if self.weights_of_runs is None:
            return y, None
        classes = len(self.preprocessing.classes)
        whose = y.reshape(-1)[:1] // classes
        return y % classes, self.weights_of_runs.index_select(0, whose)[0]

    def predictions(self, outputs: Tensor) -> Tensor:
        """Real values in the target's units, float64 on the CPU, or the probability of each class.

        Shape:
            (…, outputs) -> (…, outputs) or (…, classes)
        """
        values = self.task.predictions(outputs, self.loss_name)
        if self.preprocessing.classes:
            return values
        return self._quantiles_in_units(values) if self.quantiles else self.in_target_units(values)

    def _of_labels(self, name: str, predictions: Tensor, targets: Tensor) -> Tensor:
        label, _, metric = name.rpartition("/")
        if metric not in (EXACT, *METRICS_OF_LABELS):  # of somebody else
            return self.named(name)(predictions, targets)
        known = column_labels(self.preprocessing.output_names)
        number = known.index(label) if label else None
        found = label_metric(metric, predictions, targets, self.preprocessing.threshold, number)
        return found.where(~predictions.flatten(1).isnan().any(dim=1), nan)

    def in_target_units(self, values: Tensor) -> Tensor:
        """Real values in the form that the model is trained on, as they were before; float64."""
        own = self.preprocessing.predictions(values.cpu().double().numpy())
        return torch.from_numpy(own)

    def _quantiles_in_units(self, values: Tensor) -> Tensor:
        """Those of one target stand side by side."""
        of_targets = values.unflatten(-1, (-1, len(self.quantiles)))
        return self.in_target_units(of_targets.mT).mT.flatten(-2)
