"""The arithmetic of one step for every run of a stack, from the model as it is.

The model is called as a function of its weights, and `vmap` runs it over all of them. For modules
whose `forward` is known to be a function alone the whole step is written out once (`recording.py`).
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from seedbed.models.build import output_of
from seedbed.training.fused.losses import stackable_loss
from seedbed.training.fused.recording import Function, NotRecordableError, recorded
from seedbed.training.objective import Objective

Named = dict[str, Tensor]
Stepped = tuple[Tensor, Tensor, Named]
Randomness = Literal["error", "different", "same"]

TRACED_STEPS = 100
"""Writing a step out takes as long as it saves in about a quarter of this."""

PURE = ("torch.nn.modules.", "seedbed.models.")
"""Modules of these packages keep nothing in Python from one call to the next."""


class StackedModel:
    """A model as a function of the weights of many.

    Args:
        model: one of them; copied, and never trained.
        layout: where its parameters lie in a row.
        objective: the loss.
        randomness: what happens where the model draws at random; as in `torch.func.vmap`.
        steps: that are to be made, which decides whether a step is written out.
    """

    def __init__(
        self,
        model: nn.Module,
        layout: "Layout",
        objective: Objective,
        randomness: Randomness,
        steps: int,
    ) -> None:
        self.model = copy.deepcopy(model).train()
        self.layout = layout
        self.randomness = randomness
        self.traced = steps >= TRACED_STEPS and randomness == "error" and is_pure(model)
        self._loss_of = stackable_loss(objective)
        self._learnt_from = vmap(self._loss, randomness=randomness)
        self._output = vmap(self._forward, randomness=randomness)
        self._losses = vmap(self._loss_of)
        self._written: dict[tuple[Any, ...], Function] = {}

    def gradient(self, weights: Tensor, buffers: Named, x: Tensor, y: Tensor) -> Stepped:
        """The gradients, the losses and the buffers after a batch.

        Shape:
            weights (runs, width), buffers (runs, …), x (runs, batch, …), y (runs, batch, …) ->
            gradients (runs, width), losses (runs,), buffers
        """
        step = self._step(buffers)
        tensors = (weights, x, y, *buffers.values())
        if self.traced:
            step = self._written_out(step, tensors)
        gradients, losses, *changed = step(*tensors)
        return gradients, losses, dict(zip(buffers, changed, strict=True))

    def _step(self, buffers: Named) -> Function:
        """Of tensors alone: weights, x, y and the buffers.

        No run's loss depends on another's weights, so that the gradient of their sum is each one's.
        """

        def step(weights: Tensor, x: Tensor, y: Tensor, *kept: Tensor) -> list[Tensor]:
            named = dict(zip(buffers, kept, strict=True))
            with torch.enable_grad():
                rows = weights.detach().requires_grad_()
                losses, changed = self._learnt_from(self.layout.views(rows), named, x, y)
                (gradient,) = torch.autograd.grad(losses.sum(), rows)
            return [one.detach() for one in (gradient, losses, *changed.values())]

        return step

    def _written_out(self, step: Function, tensors: Sequence[Tensor]) -> Function:
        key = tuple((one.shape, one.stride()) for one in tensors)
        if key not in self._written:
            try:
                self._written[key] = recorded(step, tensors)
            except NotRecordableError:
                self.traced = False
                return step
        return self._written[key]

    def forget(self) -> None:
        """Drops what was written out for another number of runs."""
        self._written.clear()

    def outputs(self, weights: Tensor, buffers: Named, x: Tensor) -> Tensor:
        """Predictions, in evaluation.

        Shape:
            weights (runs, width), x (runs, rows, …) -> (runs, rows, outputs)
        """
        self.model.eval()  # the same module: it may count in training what it needs here
        try:
            predicted: Tensor = self._output(self.layout.views(weights), buffers, x)
        finally:
            self.model.train()
        return predicted

    def losses(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The mean loss of each run.

        Shape:
            outputs (runs, rows, outputs), y (runs, rows, …) -> (runs,)
        """
        found: Tensor = self._losses(outputs, y)
        return found

    def _loss(self, weights: Named, buffers: Named, x: Tensor, y: Tensor) -> tuple[Tensor, Named]:
        changed = {name: tensor.clone() for name, tensor in buffers.items()}
        output = output_of(functional_call(self.model, (weights, changed), (x,)))
        return self._loss_of(output, y), changed

    def _forward(self, weights: Named, buffers: Named, x: Tensor) -> Tensor:
        return output_of(functional_call(self.model, (weights, buffers), (x,)))


def single_step(model: nn.Module, objective: Objective, x: Tensor, y: Tensor) -> None:
    """Leaves the gradients of a batch in the parameters of one run's model.

    Shape:
        x (batch, …), y (batch, …)
    """
    objective.loss(output_of(model(x)), y).backward()


def is_pure(model: nn.Module) -> bool:
    """Whether every module of it is one of those that keep nothing in Python."""
    return all(type(module).__module__.startswith(PURE) for module in model.modules())


class Layout:
    """Where each parameter lies in a row that holds all of a run's.

    A tensor under two names is told by the first; `saved` says which that is of each name in the
    `state_dict`, and `strange` names what else is in there.

    Args:
        model: whose parameters they are; those without a gradient are kept with the buffers.
    """

    def __init__(self, model: nn.Module) -> None:
        named = dict(model.named_parameters())
        self.learnt = [name for name, one in named.items() if one.requires_grad]
        self.order = list(named)
        self.kept = [name for name in named if name not in set(self.learnt)]
        self.kept += [name for name, _ in model.named_buffers()]
        self.shapes = {name: named[name].shape for name in self.learnt}
        self.sizes = [named[name].numel() for name in self.learnt]
        self.width = sum(self.sizes)
        names = {id(one): name for name, one in [*model.named_buffers(), *named.items()]}
        saved = model.state_dict(keep_vars=True)
        self.saved = {name: names[id(one)] for name, one in saved.items() if id(one) in names}
        self.strange = [name for name in saved if name not in self.saved]

    def views(self, rows: Tensor) -> Named:
        """The parameters in the rows.

        Shape:
            (runs, width) -> each (runs, *shape)
        """
        parts = rows.split(self.sizes, dim=-1)
        shapes = self.shapes.values()
        return {
            name: part.unflatten(-1, shape) if shape else part.squeeze(-1)
            for name, part, shape in zip(self.learnt, parts, shapes, strict=True)
        }

    def row(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """The reverse, with or without a first dimension of runs."""
        parts = [
            tensors[name].reshape(*tensors[name].shape[: -len(shape) or None], -1)
            for name, shape in self.shapes.items()
        ]
        return torch.cat(parts, dim=-1)
