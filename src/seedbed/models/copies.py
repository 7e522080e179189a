"""Copies of a model that is tried out, so that the model itself stays as it is."""

import copy
from collections.abc import Iterator
from typing import Any, TypeVar

from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)


def copied_model(model: Module) -> Module:
    """A deep copy, also of a model that keeps computed tensors.

    torch copies no tensor that was computed from others, such as the weight that pruning or
    `torch.nn.utils.weight_norm` leaves beside its parameters; the copy holds its values.
    """
    memo: dict[int, Any] = {}
    for module in model.modules() if isinstance(model, nn.Module) else []:
        for tensor in tensors_in(vars(module)):
            if not tensor.is_leaf:
                memo[id(tensor)] = tensor.detach().clone()
    return copy.deepcopy(model, memo)


def tensors_in(value: Any, depth: int = 3) -> Iterator[Tensor]:
    """The tensors within mappings, lists and tuples, so many of them inside one another."""
    if isinstance(value, Tensor):
        yield value
    elif depth and isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(one, depth - 1)
