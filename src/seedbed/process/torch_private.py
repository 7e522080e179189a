"""Every use of torch's private names, so that a new version of torch is met in one place.

For speed: torch's optimizers, and its operations on `meta`, without torch's compiler, which takes a
second to import. They tell the compiler what it must not compile, and import it for that. Where
nothing is compiled that says nothing. An optimizer here gets the methods themselves, as attributes
of its own: torch's classes stay as they are. SEEDBED_FAST_START=0 turns this off.

For what has no public name: Adam's fused kernels, what `vmap` warns of, an archive's parts and how
it names tensors, the operations that a computation makes, a model's graph, a loader's workers, a
schedule's parts.
"""

import importlib
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from types import MethodType, ModuleType
from typing import Any, BinaryIO

import torch
from torch import _foreach_copy_ as foreach_copy
from torch import _foreach_div_ as foreach_div
from torch import _foreach_lerp_ as foreach_lerp
from torch import _fused_adam_ as fused_adam
from torch import _log_softmax as log_softmax
from torch import nn
from torch._utils import _rebuild_tensor_v2 as rebuild_tensor
from torch.nn.modules.batchnorm import _BatchNorm as batch_norm
from torch.nn.modules.batchnorm import _NormBase as norm_base
from torch.nn.modules.dropout import _DropoutNd as dropout_base
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from seedbed.process import fast_start

__all__ = [
    "DispatchMode",
    "batch_norm",
    "building_without_compiler",
    "dropout_base",
    "foreach_copy",
    "foreach_div",
    "foreach_lerp",
    "fused_adam",
    "graph_of",
    "has_stepped",
    "is_compiler_loaded",
    "log_softmax",
    "norm_base",
    "number_types",
    "pickle_in",
    "quiet_profiler",
    "rebuild_tensor",
    "schedulers_in",
    "shapes_without_compiler",
    "splitting_without_compiler",
    "tree_leaves",
    "without_compiler",
    "without_fallback_warnings",
    "workers_of",
]

METHODS = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
"""These ask the compiler for a form that it leaves alone."""

number_types = {
    *(one.__name__ for one in torch._storage_classes if one.__module__ == "torch"),
    *(str(one).removeprefix("torch.") for one in torch.storage._new_dtypes()),
    *(str(one).removeprefix("torch.") for one in torch.storage._dtype_to_storage_type_map()),
}
"""Names in torch by which a pickle tells the type of numbers; its loader takes the same."""

NOT_COMPILED = "__dynamo_disable"
"""Where torch keeps that form, once it is made, on the method itself."""


class DispatchMode(TorchDispatchMode):
    """A `TorchDispatchMode` that does not import torch's compiler to be left alone by it."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


def is_compiler_loaded() -> bool:
    """Something may be compiled then, and the compiler is to be told."""
    return COMPILER in sys.modules


@contextmanager
def building_without_compiler() -> Iterator[None]:
    """Optimizers built inside do not import the compiler."""
    plain = [getattr(getattr(Optimizer, name), "__wrapped__", None) for name in METHODS]
    marked = [one for one in plain if one is not None and not hasattr(one, NOT_COMPILED)]
    if is_compiler_loaded() or not fast_start.is_wanted():
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
    if is_compiler_loaded() or not fast_start.is_wanted():
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


COMPILER = "torch._dynamo"
PROFILER_LOG = "KINETO_LOG_LEVEL"


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
        sys.modules[COMPILER] = torch._dynamo = self

    def leave(self) -> None:
        if sys.modules.get(COMPILER) is self:
            del sys.modules[COMPILER], torch._dynamo
        while self.left_alone:
            delattr(self.left_alone.pop(), NOT_COMPILED)


@contextmanager
def splitting_without_compiler() -> Iterator[None]:
    """Models that FSDP2 splits import no compiler inside, as their hooks tell it nothing."""
    if is_compiler_loaded() or not fast_start.is_wanted():
        yield
        return
    from torch.distributed.fsdp._fully_shard._fsdp_param_group import FSDPParamGroup
    from torch.distributed.fsdp._fully_shard._fsdp_state import FSDPState

    telling = [
        (kind, name, one)
        for kind in (FSDPParamGroup, FSDPState)
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


class without_fallback_warnings:  # noqa: N801 - used as a function
    """Where torch says nothing of operations that `vmap` goes through run by run.

    They are as right as the others. A class, and torch's own switch, as it stands around every step
    of a stack; without that switch Python's warnings are silenced, which is slower.
    """

    __slots__ = ("before", "silenced")

    def __enter__(self) -> None:
        self.silenced: Any = None
        try:
            self.before = torch._C._debug_only_are_vmap_fallback_warnings_enabled()  # type: ignore[attr-defined]
            torch._C._functorch._set_vmap_fallback_warning_enabled(False)  # type: ignore[attr-defined]
        except AttributeError:
            self.silenced = warnings.catch_warnings()
            self.silenced.__enter__()
            warnings.filterwarnings("ignore", message="There is a performance drop")

    def __exit__(self, *error: object) -> None:
        if self.silenced is not None:
            self.silenced.__exit__(*error)
        else:
            torch._C._functorch._set_vmap_fallback_warning_enabled(self.before)  # type: ignore[attr-defined]


def pickle_in(file: BinaryIO) -> bytes:
    """What torch will unpickle of an archive that `torch.save` wrote.

    Read by torch's own reader: another one may find another member in a crafted archive.

    Raises:
        RuntimeError: if the archive is damaged.
    """
    content: bytes = torch._C.PyTorchFileReader(file).get_record("data.pkl")
    return content


def workers_of(batches: object) -> Sequence[BaseProcess]:
    """The processes of a DataLoader's iterator; none are known where torch names them otherwise."""
    return getattr(batches, "_workers", ())


def schedulers_in(scheduler: object) -> Sequence[Any]:
    """Those that one of torch's runs in turn; none of one that stands alone."""
    return getattr(scheduler, "_schedulers", ())


def has_stepped(optimizer: Any) -> None:
    """Tells torch's schedules that an optimizer made steps before it was loaded.

    They warn of an epoch's end that no step went before, as after a stop at the first epoch's last.
    """
    optimizer._opt_called = True


def graph_of(model: nn.Module, rows: Any) -> bytes:
    """A model's graph as TensorBoard shows it.

    Raises:
        RuntimeError: if the model cannot be traced.
    """
    from torch.utils.tensorboard._pytorch_graph import graph  # here: it takes 0.15 s

    definition, _ = graph(model, rows)
    content: bytes = definition.SerializeToString()
    return content


@contextmanager
def quiet_profiler() -> Iterator[None]:
    """Inside, torch's profiler prints nothing of its own on standard error."""
    before = os.environ.get(PROFILER_LOG)
    os.environ[PROFILER_LOG] = "99"
    try:
        yield
    finally:
        if before is None:
            del os.environ[PROFILER_LOG]
        else:
            os.environ[PROFILER_LOG] = before
