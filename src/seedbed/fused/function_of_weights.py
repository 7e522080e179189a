"""A model and its loss as functions of the weights of one run; nothing of the module changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp

from seedbed.data.packing import Packing
from seedbed.fused.flat import Named
from seedbed.fused.single_step import unpacked
from seedbed.models.build import output_of
from seedbed.models.calling import arguments
from seedbed.tasks.head import TaskHead
from seedbed.tasks.losses import stackable_loss
from seedbed.training.device import autocast
from seedbed.training.own_step import Given, OwnStep

T = TypeVar("T")


@dataclass
class FunctionOfWeights:
    """What one run computes of a batch.

    Args:
        model: in training or evaluation mode, as the caller has put it.
        head: the loss.
        precision: the type for matrix products, or None for that of the weights.
        packing: how rows of several tensors lie in one.
        step: of the user's own, that makes the loss of a batch; None for the head's.
    """

    model: nn.Module
    head: TaskHead
    precision: torch.dtype | None = None
    packing: Packing | None = None
    step: OwnStep | None = None

    def __post_init__(self) -> None:
        self._stepper = None if self.step is None else _Stepper(self.model, self.step)
        self.loss_of = stackable_loss(self.head)

    def loss(
        self, weights: Named, buffers: Named, x: Tensor, y: Tensor
    ) -> tuple[Tensor, tuple[Named, Named]]:
        """The loss of a batch; the buffers after it, and what a step gives beside the loss."""
        changed = {name: tensor.clone() for name, tensor in buffers.items()}
        with autocast(self.precision, x.device):
            if self._stepper is not None:
                own = unpacked(x, self.packing)
                loss, beside = self._stepper.given((weights, changed), own, y)
                return loss, (changed, beside)
            output = output_of(self._called((weights, changed), x))
            return self.loss_of(output, y), (changed, {})

    def output(self, weights: Named, buffers: Named, x: Tensor) -> Tensor:
        """The predictions."""
        with autocast(self.precision, x.device):
            return output_of(self._called((weights, buffers), x))

    def given(self, weights: Named, buffers: Named, x: Tensor, y: Tensor) -> Named:
        """What a step of the user's own gives, the loss among it."""
        loss, (_, beside) = self.loss(weights, buffers, x, y)
        return {"loss": loss, **beside}

    def output_apart(self, weights: Named, buffers: Named, x: Tensor) -> Tensor:
        """As `output`; recorded for a gradient, which takes recurrent layers apart."""
        output, _ = _recorded(lambda named: (self.output(named, buffers, x), ()), weights)
        return output.detach()

    def given_apart(self, weights: Named, buffers: Named, x: Tensor, y: Tensor) -> Named:
        """As `given`; see `output_apart`."""
        loss, (_, beside) = _recorded(lambda named: self.loss(named, buffers, x, y), weights)
        return {"loss": loss.detach(), **{name: one.detach() for name, one in beside.items()}}

    def _called(self, tensors: tuple[Named, Named], x: Tensor) -> Any:
        if self.packing is None:
            return functional_call(self.model, tensors, (x,))
        args, named = arguments(self.model, self.packing.unpacked(x))
        return functional_call(self.model, tensors, args, named)


def _recorded(function: Callable[[Named], tuple[Tensor, T]], weights: Named) -> tuple[Tensor, T]:
    with torch.enable_grad():
        found: Any = vjp(function, weights, has_aux=True)
    return found[0], found[2]


class _Stepper(nn.Module):
    """A step of the user's own as the `forward` of a module that holds the model.

    So the model that the step is handed has the weights of a run in place of its own, whatever of
    it is called or looked at.

    Args:
        model: which is handed to the step.
        step: of the user's own.
    """

    def __init__(self, model: nn.Module, step: OwnStep) -> None:
        super().__init__()
        self.model = model
        self.step = step

    def forward(self, x: Any, y: Any) -> Given:
        """What the step gives."""
        return self.step(self.model, x, y)

    def given(self, tensors: Sequence[Named], x: Any, y: Any) -> Given:
        """What the step gives of a model with these parameters and buffers."""
        own = tuple({f"model.{name}": one for name, one in some.items()} for some in tensors)
        given: Given = functional_call(self, own, (x, y))
        return given
