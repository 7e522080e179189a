"""A run's model and loss: what rows come to, in the precision that the config asks for."""

from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor

from seedbed.data.batches import Batches
from seedbed.data.streaming.batches import StreamBatches
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded
from seedbed.training.device import autocast
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
            return self.head.loss(output_of(forwarded(self.model, x)), y)

    def measured(self, batches: Batches) -> dict[str, float]:
        """The loss and the metrics over all rows, with the model as it is."""
        pieces = batches.epoch(0)
        if isinstance(batches, StreamBatches):
            return over_stream(pieces, self.outputs, self.loss_of, self.head)
        return over_pieces(pieces, self.outputs, self.loss_of, self.head.metrics)

    def loss_of(self, output: Tensor, y: Tensor) -> float:
        """The loss of outputs."""
        with self.precision():
            return self.head.loss(output, y).item()
