"""A model around one of torch's modules, with the arguments that torch's own tests give it."""

import sys
import types
import unittest
from collections.abc import Sequence
from functools import cache
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

MOST_SAMPLES, MOST_NUMBERS = 1, 2000
"""Of a module, and in the input of one."""

CELLS = ("RNNCell", "GRUCell", "LSTMCell")
"""Torch's samples of these are single rows; they are tried in models of their own."""

ELSEWHERE: dict[str, tuple[Sequence[Any], Sequence[int]]] = {
    "Dropout": ((0.0,), (5,)),
    "Dropout1d": ((0.0,), (3, 4)),
    "Dropout2d": ((0.0,), (3, 4, 4)),
    "Flatten": ((), (3, 4)),
    "Hardsigmoid": ((), (5,)),
    "Identity": ((), (5,)),
    "ModuleList": (([nn.Identity()],), (5,)),
    "Sequential": ((nn.Tanh(), nn.Sigmoid()), (5,)),
    "Unflatten": ((1, (2, 3)), (6,)),
}
"""Layers that torch's list leaves out: arguments, and the shape of a row."""


@cache
def torchs_modules() -> dict[str, Any]:
    """By name, what torch's own tests know of each module of `torch.nn`."""
    if "expecttest" not in sys.modules:  # asked for by torch's tools, and of no use here
        stand_in: Any = types.ModuleType("expecttest")
        stand_in.TestCase = unittest.TestCase
        sys.modules["expecttest"] = stand_in
    # These tools would forbid to set torch's switches, in the whole process.
    with mock.patch.object(torch.backends, "disable_global_flags"):
        from torch.testing._internal.common_modules import module_db
    return {info.name.removeprefix("nn."): info for info in module_db}


@cache
def samples(name: str) -> list[Any]:
    """Arguments of the constructor and of `forward`, of the first few samples that fit rows."""
    info = torchs_modules()[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = info.module_inputs_func(
            info, device="cpu", dtype=torch.float32, requires_grad=False, training=True
        )
        return [one for one in found if _fits(name, one)][:MOST_SAMPLES]


def _fits(name: str, sample: Any) -> bool:
    """Whether a model of it can be built: the first dimension is one of rows."""
    given = sample.forward_input.args if sample.forward_input is not None else ()
    if not given or not isinstance(given[0], Tensor) or not given[0].ndim >= 2:
        return False
    try:
        Around(4, 3, name, sample)
    except (RuntimeError, ValueError, TypeError, AssertionError, UserWarning):
        return False
    return given[0].numel() <= MOST_NUMBERS


class Around(nn.Module):
    """Rows become the module's input, and its output becomes the answer.

    Args:
        in_features, out_features: of the model.
        name: of the module in `torch.nn`.
        sample: number of the sample.
    """

    def __init__(self, in_features: int, out_features: int, name: str, sample: Any = 0) -> None:
        super().__init__()
        made = getattr(nn, name)
        if name in ELSEWHERE:
            arguments, shape = ELSEWHERE[name]
            self.inner, self.rest, self.keywords = made(*arguments), [], {}
            shapes = [tuple(shape)]
        else:
            one = samples(name)[sample] if isinstance(sample, int) else sample
            self.inner = made(*one.constructor_input.args, **one.constructor_input.kwargs)
            first, *rest = one.forward_input.args
            self.keywords = dict(one.forward_input.kwargs)
            shapes = [tuple(first.shape[1:])]
            self.rest = []
            for other in rest:
                if isinstance(other, Tensor) and other.shape[:1] == first.shape[:1]:
                    shapes.append(tuple(other.shape[1:]))
                else:
                    self.rest.append(other)
        self.shapes = shapes
        self.up = nn.ModuleList(
            nn.Linear(in_features, torch.Size(shape).numel()) for shape in shapes
        )
        self.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            wide = self.hidden(torch.ones(8, in_features)).shape[1]
        self.train()
        self.down = nn.Linear(wide, out_features)

    def hidden(self, x: Tensor) -> Tensor:
        wide = [up(x) for up in self.up]
        given = [one.reshape(len(x), *shape) for one, shape in zip(wide, self.shapes, strict=True)]
        if isinstance(self.inner, nn.Embedding):
            given[0] = (given[0].detach() * 10).long() % self.inner.num_embeddings
        if isinstance(self.inner, nn.ModuleList):
            return self.inner[0](given[0])
        found = self.inner(*given, *self.rest, **self.keywords)
        while isinstance(found, tuple):
            found = found[0]
        return found.reshape(len(x), -1)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(torch.tanh(self.hidden(x)))
