"""Names the layer where a number first became NaN or infinite, of `trainer.detect_anomaly`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class AnomalyWatch:
    """Looks at each layer's output, each gradient and each weight of every step.

    Args:
        model: that is trained.

    Attributes:
        found: what was not finite first, and where; empty while all is well.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.found = ""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks at the model's training steps inside, and leaves no hook behind."""
        handles = [
            module.register_forward_hook(self._hook(name), with_kwargs=True)
            for name, module in self.model.named_modules()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, name: str) -> Any:
        def look(module: nn.Module, inputs: Any, named: Any, output: Any) -> None:
            if self.found or not self.model.training:
                return
            layer = f"'{name}' ({type(module).__name__})" if name else "the model"
            if what := _first_not_finite((inputs, named)):
                self.found = f"the input of {layer} is {what}, and no layer before it gave that"
            elif what := _first_not_finite(output):
                self.found = f"the output of {layer} is {what}"

        return look

    def look_at_gradients(self, loss: Tensor) -> None:
        """After the gradients were computed: the loss, then the gradient of each parameter."""
        if not self.found and (what := not_finite(loss)):
            self.found = f"the loss is {what}, of a finite output"
        for name, one in reversed(list(self.model.named_parameters())):
            if not self.found and one.grad is not None and (what := not_finite(one.grad)):
                self.found = f"the gradient of '{name}' is {what}, of a finite loss"

    def look_at_weights(self) -> None:
        """After the update of the weights."""
        for name, one in self.model.named_parameters():
            if not self.found and (what := not_finite(one)):
                self.found = f"the update of '{name}' made it {what}, of a finite gradient"


def _first_not_finite(values: Any) -> str:
    """Of one tensor, or of those of sequences and mappings."""
    if isinstance(values, Tensor):
        return not_finite(values)
    if isinstance(values, Mapping):
        values = values.values()
    elif not isinstance(values, tuple | list):
        return ""
    return next(filter(None, map(_first_not_finite, values)), "")


def not_finite(tensor: Tensor) -> str:
    """NaN, or else infinite; empty for finite numbers."""
    values = tensor.detach()
    has_others = values.is_floating_point() or values.is_complex()
    if not has_others or bool(torch.isfinite(values).all()):
        return ""
    return "NaN" if bool(values.isnan().any()) else "infinite"
