"""The functions of one run's weights taken over all runs at once, by `vmap`.

Gradients are taken outside of `vmap`, once for all runs. Recurrent layers are taken by `vmap` only
where each run's gradient is taken inside of it, which takes them apart.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.func import grad_and_value, vmap

from seedbed.fused.flat import Layout, Named
from seedbed.fused.function_of_weights import FunctionOfWeights
from seedbed.process.torch_private import without_fallback_warnings

T = TypeVar("T")

Learnt = tuple[Tensor, Tensor, tuple[Named, Named]]
"""Gradients and losses; buffers, and what a step of the user's own gives beside the loss."""

Randomness = Literal["error", "different", "same"]

UNBATCHED = "Batching rule not implemented"
"""What torch says of an operation that `vmap` takes only after it was taken apart."""


class Vmapped:
    """What all runs compute of their batches.

    Args:
        run: what one does.
        layout: where its parameters lie in a row.
        randomness: what happens where the model draws at random; as in `torch.func.vmap`.
    """

    def __init__(self, run: FunctionOfWeights, layout: Layout, randomness: Randomness) -> None:
        self.run = run
        self.layout = layout
        self.randomness = randomness
        recurrent = nn.RNNBase | nn.RNNCellBase
        self.inside = any(isinstance(one, recurrent) for one in run.model.modules())
        self._loss = vmap(run.loss, randomness=randomness)
        self._output = vmap(run.output, randomness=randomness)
        self._given = vmap(run.given, randomness=randomness)

    def tried(self, compute: Callable[[], T]) -> T:
        """What `compute` gives; once more, inside, where `vmap` cannot take it from outside."""
        with without_fallback_warnings():
            try:
                return compute()
            except RuntimeError as err:
                if self.inside or UNBATCHED not in str(err):
                    raise
            self.inside = True
            return compute()

    def gradients(self, weights: Tensor, buffers: Named, x: Tensor, y: Tensor) -> Learnt:
        """Of every run's loss.

        Shape:
            weights (runs, width), buffers (runs, …), x (runs, batch, …), y (runs, batch, …) ->
            gradients (runs, width), losses (runs,), each of the others (runs, …)
        """
        if self.inside:
            return self._gradients_inside(weights, buffers, x, y)
        # No run's loss depends on another's weights: the gradient of their sum is each one's.
        with torch.enable_grad():
            rows = weights.detach().requires_grad_()
            losses, changed = self._loss(self.layout.views(rows), buffers, x, y)
            (gradient,) = torch.autograd.grad(losses.sum(), rows)
        return gradient, losses, changed

    def _gradients_inside(self, weights: Tensor, buffers: Named, x: Tensor, y: Tensor) -> Learnt:
        named = self.layout.views(weights.detach())
        learnt_from = vmap(grad_and_value(self.run.loss, has_aux=True), randomness=self.randomness)
        with torch.enable_grad(), _taken_apart():
            gradients, (losses, changed) = learnt_from(named, buffers, x, y)
        return self.layout.row(gradients), losses, changed

    def outputs(self, weights: Named, buffers: Named, x: Tensor) -> Tensor:
        """Predictions of every run.

        Shape:
            weights (runs, …), x (runs, rows, …) -> (runs, rows, outputs)
        """
        if not self.inside:
            outside: Tensor = self._output(weights, buffers, x)
            return outside
        with _taken_apart():
            apart = vmap(self.run.output_apart, randomness=self.randomness)
            inside: Tensor = apart(weights, buffers, x)
        return inside

    def given(self, weights: Named, buffers: Named, x: Tensor, y: Tensor) -> Named:
        """What a step of the user's own gives for every run, the loss among it.

        Shape:
            weights (runs, …), x (runs, rows, …), y (runs, rows, …) -> each (runs,)
        """
        if not self.inside:
            return dict(self._given(weights, buffers, x, y))
        with _taken_apart():
            apart = vmap(self.run.given_apart, randomness=self.randomness)
            return dict(apart(weights, buffers, x, y))


@contextmanager
def _taken_apart() -> Iterator[None]:
    """Keeps torch from handing recurrent layers whole to a library that `vmap` cannot enter."""
    library: Any = torch.backends.mkldnn
    enabled = library.enabled
    library.enabled = False
    try:
        yield
    finally:
        library.enabled = enabled
