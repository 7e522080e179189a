"""Torch's optimizers without torch's compiler, which they import at their first step.

That takes a second. Most of their methods tell the compiler what it must not compile, and import it
to do so. Where nothing is compiled that says nothing, and an optimizer here gets the methods
themselves, as attributes of its own: torch's classes stay as they are.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

import torch
from torch.optim import Optimizer

METHODS = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
"""These ask the compiler for a form that it leaves alone."""

ASKED = "__dynamo_disable"
"""Where torch keeps that form, once it is made, on the method itself."""


def is_compiler_loaded() -> bool:
    """Something may be compiled then, and the compiler is to be told."""
    return "torch._dynamo" in sys.modules


@contextmanager
def building_without_compiler() -> Iterator[None]:
    """Optimizers built inside do not import the compiler."""
    plain = [getattr(getattr(Optimizer, name), "__wrapped__", None) for name in METHODS]
    told = [one for one in plain if one is not None and not hasattr(one, ASKED)]
    if is_compiler_loaded():
        told = []
    for method in told:
        setattr(method, ASKED, method)
    try:
        yield
    finally:
        for method in told:
            delattr(method, ASKED)


def without_compiler(optimizer: Optimizer) -> Optimizer:
    """The optimizer, with methods of its own that do what torch's do and import no compiler.

    Hooks on its step are called as ever. One whose methods are not as they are known to be keeps
    them, and imports the compiler.
    """
    if is_compiler_loaded():
        return optimizer
    for name in METHODS:
        method = getattr(type(optimizer), name)
        plain = getattr(method, "__wrapped__", None)
        if method is getattr(Optimizer, name) and plain is not None:
            setattr(optimizer, name, MethodType(plain, optimizer))
    step = _update(type(optimizer))
    if step is not None:
        hooked = Optimizer.profile_hook_step(_without_graph_breaks(step))
        optimizer.step = MethodType(hooked, optimizer)  # type: ignore[method-assign]
    return optimizer


def _update(kind: type[Optimizer]) -> Callable[..., Any] | None:
    """The step as its class writes it, from inside torch's `_use_grad_for_differentiable`."""
    inner: Any = kind.step
    while inner is not None:
        code = getattr(inner, "__code__", None)
        if code is not None and code.co_name == "_use_grad":
            update = getattr(inner, "__wrapped__", None)
            return update if inspect.isfunction(update) else None
        inner = getattr(inner, "__wrapped__", None)
    return None


def _without_graph_breaks(update: Callable[..., Any]) -> Callable[..., Any]:
    """Source: `_use_grad_for_differentiable` in torch/optim/optimizer.py."""

    def step(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            return update(self, *args, **kwargs)

    return step
