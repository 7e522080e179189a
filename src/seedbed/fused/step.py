"""The arithmetic of one step for every run of a stack, from the model as it is.

The model is called as a function of its weights (`function_of_weights.py`), and `vmap` runs it over
all of them (`vmapped.py`). For modules whose `forward` is known to be a function alone the whole
step is written out once (`written_steps.py`), and carried out by faster operations.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.func import vmap

from seedbed.fused.flat import Layout, Named
from seedbed.fused.function_of_weights import FunctionOfWeights
from seedbed.fused.tracing import Function
from seedbed.fused.vmapped import Randomness, Vmapped
from seedbed.fused.written_steps import OUTPUTS, STEP, WrittenSteps
from seedbed.models.frozen import set_training
from seedbed.training.device import autocast
from seedbed.training.pure import is_pure, is_pure_loss

Stepped = tuple[Tensor, Tensor, Named]
"""Gradients, losses and buffers."""


class StackedModel:
    """A model as a function of the weights of many.

    Args:
        run: what one of them computes, on a model of this one's own, which is never trained.
        layout: where its parameters lie in a row.
        randomness: what happens where the model draws at random; as in `torch.func.vmap`.
        written_out: whether a step is, where that can be. In training it is however few steps there
            are, as bits would depend on how many the others make; that takes as long as it saves in
            20 to 50 steps, and a trial makes a few.
        frozen_eval: whether layers without a trainable parameter stay in evaluation mode.
    """

    def __init__(
        self,
        run: FunctionOfWeights,
        layout: Layout,
        randomness: Randomness,
        *,
        written_out: bool = True,
        frozen_eval: bool = False,
    ) -> None:
        self.run = run
        self.beside: Named = {}  # what the step gave in the last gradient
        self.frozen_eval = frozen_eval
        set_training(run.model, frozen_eval=frozen_eval)
        self.layout = layout
        self.randomness = randomness
        self.traced = (
            written_out
            and run.step is None
            and randomness == "error"
            and run.packing is None
            and is_pure(run.model)
            and is_pure_loss(run.head.loss_function)
        )
        self.vmapped = Vmapped(run, layout, randomness)
        self._losses = vmap(run.loss_of)
        self.latest: Function | None = None  # of a step, as it was carried out last
        self.written = WrittenSteps(enabled=self.traced, runs_last=layout.runs_last)
        self._as_rows = torch.empty(0)

    def gradient(self, weights: Tensor, buffers: Named, x: Tensor, y: Tensor) -> Stepped:
        """The gradients, the losses and the buffers after a batch.

        The next step may write its gradients over these.

        Shape:
            weights (runs, width), buffers (runs, …), x (runs, batch, …), y (runs, batch, …) ->
            gradients (runs, width), losses (runs,), buffers
        """
        tensors = (weights, x, y, *buffers.values())
        self.latest = written = self.written.known(STEP, tensors)
        if written:
            gradients, losses, *changed = written(*tensors)
            return gradients, losses, dict(zip(buffers, changed, strict=True))
        gradients, losses, *changed = self.vmapped.tried(
            lambda: self._step(buffers, tensors)(*tensors)
        )
        if (step := self.run.step) is not None:
            changed, beside = changed[: len(buffers)], changed[len(buffers) :]
            self.beside = dict(zip(step.names or (), beside, strict=True))
        return gradients, losses, dict(zip(buffers, changed, strict=True))

    def _step(self, buffers: Named, tensors: Sequence[Tensor]) -> Function:
        """Of tensors alone: weights, x, y and the buffers."""

        def step(weights: Tensor, x: Tensor, y: Tensor, *kept: Tensor) -> list[Tensor]:
            named = dict(zip(buffers, kept, strict=True))
            gradient, losses, (changed, beside) = self.vmapped.gradients(weights, named, x, y)
            return [one.detach() for one in (gradient, losses, *changed.values(), *beside.values())]

        self.latest = self.written.of(STEP, step, tensors)
        return self.latest

    def outputs(self, weights: Tensor, buffers: Named, x: Tensor) -> Tensor:
        """Predictions, in evaluation.

        Shape:
            weights (runs, width), x (runs, rows, …) -> (runs, rows, outputs)
        """
        tensors = (self._rows(weights), x, *buffers.values())
        with self._evaluating():
            (found,) = self.vmapped.tried(lambda: self._evaluation(buffers, tensors)(*tensors))
        return found

    def _evaluation(self, buffers: Named, tensors: Sequence[Tensor]) -> Function:
        """Of tensors alone: weights, x and the buffers."""

        def outputs(weights: Tensor, x: Tensor, *kept: Tensor) -> list[Tensor]:
            named = dict(zip(buffers, kept, strict=True))
            return [self.vmapped.outputs(self.layout.views(weights), named, x)]

        return self.written.of(OUTPUTS, outputs, tensors)

    def losses(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The mean loss of each run.

        Shape:
            outputs (runs, rows, outputs), y (runs, rows, …) -> (runs,)
        """
        with autocast(self.run.precision, outputs.device):
            found: Tensor = self._losses(outputs, y)
        return found

    def measured(self, weights: Tensor, buffers: Named, x: Tensor, y: Tensor) -> Named:
        """What the step of the user's own gives in evaluation, the loss among it.

        Shape:
            weights (runs, width), x (runs, rows, …), y (runs, rows, …) -> each (runs,)
        """
        named = self.layout.views(self._rows(weights))
        with self._evaluating():
            return self.vmapped.tried(lambda: self.vmapped.given(named, buffers, x, y))

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """The same module: it may count in training what it needs in evaluation."""
        self.run.model.eval()
        try:
            yield
        finally:
            set_training(self.run.model, frozen_eval=self.frozen_eval)

    def _rows(self, weights: Tensor) -> Tensor:
        """Weights as rows, in the same memory each time."""
        if not self.layout.runs_last:
            return weights
        if self._as_rows.shape != weights.shape:
            self._as_rows = torch.empty_like(weights, memory_format=torch.contiguous_format)
        return self._as_rows.copy_(weights)
