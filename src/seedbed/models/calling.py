"""Calls a model by the form of its input: `model(x)`, `model(*x)` or `model(**x)`."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

from seedbed.data.nested import Padded
from seedbed.errors import ModelError
from seedbed.raised import defined_at

LENGTHS, MASK = "lengths", "mask"
"""Parameters of a `forward` that are given what its rows were padded by."""


def forwarded(model: nn.Module, x: Any) -> Any:
    """What a model returns for a batch.

    Args:
        model: whose `forward` takes it.
        x: a tensor, a tuple of inputs, a mapping of inputs by name; padded or not.
    """
    if isinstance(x, Tensor):
        return model(x)
    args, named = arguments(model, x)
    return model(*args, **named)


def arguments(model: nn.Module, x: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a model is called with.

    A `forward` with a parameter `lengths` or `mask` is given those of padded rows, unless the rows
    have an input of that name or place.

    Raises:
        ModelError: for an input that Python gives to no method by name.
    """
    given = x.x if isinstance(x, Padded) else x
    given = (given,) if isinstance(given, Tensor) else given
    args, named = ((), dict(given)) if isinstance(given, dict) else (tuple(given), {})
    if "self" in named:
        raise ModelError(
            "model: x has an input 'self', which is the model itself where it is called; rename "
            "the key"
        )
    if isinstance(x, Padded):
        parameters = parameters_of(_inner(model))
        free = [one for one in parameters[len(args) :] if one not in named]
        named |= {name: getattr(x, name) for name in (LENGTHS, MASK) if name in free}
    return args, named


def in_places(model: nn.Module, x: Any) -> Any:
    """What a model is called with, all of it by place, as torch's tracing takes it.

    Raises:
        RuntimeError: if something is given by name alone.
    """
    if isinstance(x, Tensor):
        return x
    args, named = arguments(model, x)
    names = parameters_of(_inner(model))[len(args) : len(args) + len(named)]
    if {*names} != {*named}:
        raise RuntimeError("forward takes inputs by name alone")
    return (*args, *(named[name] for name in names))


def parameters_of(model: nn.Module) -> tuple[str, ...]:
    """The names of the parameters of a model's `forward`; none where that cannot be told."""
    return _parameters_of(type(model).forward)


@lru_cache(maxsize=64)
def _parameters_of(forward: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(forward).parameters)[1:]
    except (TypeError, ValueError):
        return ()


def refuse_other_call(model: nn.Module, x: Any) -> None:
    """Refuses inputs that a `forward` does not have parameters for.

    Raises:
        ModelError: naming the `forward`, its line, and how it would be called.
    """
    if isinstance(x, Tensor):
        return
    inner = _inner(model)
    args, named = arguments(model, x)
    try:
        signature = inspect.signature(inner.forward)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*args, **named)
    except TypeError as err:
        given = x.x if isinstance(x, Padded) else x
        kind = {Tensor: "tensor", dict: "mapping"}.get(type(given), "tuple")
        called = ", ".join([*("…" for _ in args), *(f"{name}=…" for name in named)])
        name = type(inner).__name__
        raise ModelError(
            f"model: {name}.forward({', '.join(signature.parameters)})"
            f"{defined_at(type(inner))} does not take the data: an x that is a "
            f"{kind} is given as model({called}), and {err}"
        ) from err


def _inner(model: nn.Module) -> nn.Module:
    """The module behind one that torch's compiler made."""
    inner: nn.Module = getattr(model, "_orig_mod", model)
    return inner
