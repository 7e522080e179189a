"""What torch does without its compiler, which takes a second to import: optimizers, shapes, splits.

Torch imports its compiler to tell it what it must not compile. Where nothing is compiled that says
nothing. An optimizer here gets the methods themselves, as attributes of its own: torch's classes
stay as they are. SEEDBED_FAST_START=0 turns this off.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType, ModuleType
from typing import Any

import torch
from torch.optim import Optimizer

from seedbed.process import fast_start
from seedbed.process.torch_private import (
    COMPILER,
    compiler_forgotten,
    splitting_classes,
    taken_for_compiler,
)

METHODS = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
"""These ask the compiler for a form that it leaves alone."""

NOT_COMPILED = "__dynamo_disable"
"""Where torch keeps that form, once it is made, on the method itself."""


def is_compiler_loaded() -> bool:
    """Something may be compiled then, and the compiler is to be told."""
    return COMPILER in sys.modules


def _may_be_told() -> bool:
    """Whether torch tells its compiler as ever."""
    return is_compiler_loaded() or not fast_start.is_wanted()


@contextmanager
def building_without_compiler() -> Iterator[None]:
    """Optimizers built inside do not import the compiler."""
    plain = [getattr(getattr(Optimizer, name), "__wrapped__", None) for name in METHODS]
    marked = [one for one in plain if one is not None and not hasattr(one, NOT_COMPILED)]
    if _may_be_told():
        marked = []
    for method in marked:
        setattr(method, NOT_COMPILED, method)
    try:
        yield
    finally:
        for method in marked:
            delattr(method, NOT_COMPILED)


def without_compiler(optimizer: Optimizer) -> Optimizer:
    """The optimizer, with methods of its own that do what torch's do and import no compiler.

    Hooks on its step are called as ever. One whose methods are not as they are known to be keeps
    them, and imports the compiler.
    """
    if _may_be_told():
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


class _NoCompiler(ModuleType):
    """Stands for the compiler while it is only told what to leave alone.

    Whoever asks for anything else gets the real one.
    """

    def __init__(self) -> None:
        super().__init__(COMPILER)
        self.left_alone: list[Any] = []

    def disable(self, function: Any, *_: object, **__: object) -> Any:
        self.left_alone.append(function)
        return function

    def __getattr__(self, name: str) -> Any:
        self.leave()
        return getattr(importlib.import_module(COMPILER), name)

    def enter(self) -> None:
        taken_for_compiler(self)

    def leave(self) -> None:
        if sys.modules.get(COMPILER) is self:
            compiler_forgotten()
        while self.left_alone:
            delattr(self.left_alone.pop(), NOT_COMPILED)


@contextmanager
def splitting_without_compiler() -> Iterator[None]:
    """Models that FSDP2 splits import no compiler inside, as their hooks tell it nothing."""
    if _may_be_told():
        yield
        return
    telling = [
        (kind, name, one)
        for kind in splitting_classes()
        for name, one in vars(kind).items()
        if getattr(getattr(one, "__code__", None), "co_qualname", "").startswith("_dynamo_disable")
    ]
    for kind, name, one in telling:
        setattr(kind, name, one.__wrapped__)
    try:
        yield
    finally:
        for kind, name, one in telling:
            setattr(kind, name, one)


@contextmanager
def shapes_without_compiler() -> Iterator[None]:
    """Operations on `meta` inside do not import the compiler."""
    if is_compiler_loaded() or not fast_start.is_in_use():
        yield
        return
    compiler = _NoCompiler()
    compiler.enter()
    try:
        yield
    finally:
        compiler.leave()


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
