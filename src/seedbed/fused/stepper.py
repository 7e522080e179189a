"""A step of the user's own, called with the weights of a run in the model that it is handed."""

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.func import functional_call

from seedbed.fused.flat import Named
from seedbed.training.own_step import Given, OwnStep


class Stepper(nn.Module):
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
