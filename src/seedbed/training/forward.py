"""A run's model and loss: what rows come to, in the precision that the config asks for."""

from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from torch import Tensor

from seedbed.data.batches import Batches
from seedbed.data.seeds import stream_seed
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded
from seedbed.tasks.metric_values import metrics_of
from seedbed.tasks.metrics_in_pieces import LossAndMetrics
from seedbed.training.device import autocast
from seedbed.training.epoch_means import OfTask, over_steps
from seedbed.training.evaluation import over_pieces, over_stream
from seedbed.training.run_components import RunComponents


class Forward:
    """The forward pass of one run.

    Args:
        plan: the parts of the run.
    """

    def __init__(self, plan: RunComponents) -> None:
        self.model = plan.model
        self.head = plan.head
        self.step = plan.step
        self._seed = stream_seed(plan.config.seed, "evaluation")
        self.beside: dict[str, Tensor] = {}  # what the step gave in the last call of `loss`
        self._precision = plan.mixed_precision
        self._device = plan.device

    def precision(self) -> AbstractContextManager[object]:
        """Where mixed precision applies."""
        return autocast(self._precision, self._device)

    def outputs(self, x: Any) -> Tensor:
        """What the model gives for rows.

        Shape:
            (rows, …), or tensors of this shape in tuples and mappings -> (rows, outputs)
        """
        with self.precision():
            return output_of(forwarded(self.model, x))

    def loss(self, x: Any, y: Tensor) -> Tensor:
        """The loss of a batch.

        Shape:
            x (rows, …), or tensors of this shape in tuples and mappings, y (rows, …) -> ()
        """
        with self.precision():
            if self.step is None:
                return self.head.loss(output_of(forwarded(self.model, x)), y)
            loss, self.beside = self.step(self.model, x, y)
            return loss

    def measured(self, batches: Batches) -> dict[str, float]:
        """The loss and the metrics over all rows, with the model as it is."""
        pieces = batches.epoch(0)
        if self.step is not None:
            found = over_steps(
                pieces, self._of_step, self.head.batch_weight, self._of_task(), self._seed
            )
            return {name: float(value) for name, value in found.items()}
        if batches.in_pieces:
            return over_stream(pieces, self.outputs, self.loss_of, self.head)
        return over_pieces(pieces, self.outputs, self.loss_of, partial(metrics_of, self.head))

    def _of_step(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """What the step gives in evaluation, the loss among it."""
        return {"loss": self.loss(x, y), **self.beside}

    def _of_task(self) -> OfTask | None:
        """The task's metrics, where the model's outputs are what it asks for."""
        if not self.head.has_metrics:
            return None
        measured = LossAndMetrics(self.head)
        return OfTask(lambda x, y: measured.add(self.outputs(x), y, 0.0), measured.metrics)

    def loss_of(self, output: Tensor, y: Tensor) -> float:
        """The loss of outputs."""
        with self.precision():
            return self.head.loss(output, y).item()
