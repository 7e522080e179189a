"""What a module keeps outside its parameters and buffers, in a form that can be compared.

A stack has one module for all of its runs: what else `forward` reads or changes would be shared.
"""

import enum
import functools
import hashlib
import itertools
import logging
import pickle
import random
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

PlainState = dict[str, Any]
"""By path, such as `layers[0].weight`, what stands there: a value, a digest, or a reference."""

REGISTRIES = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set")
"""Attributes of a registered module that are compared otherwise; so are its hooks."""

OF_SHARDS = "__composable_api_"
"""Begins the names of attributes by which torch knows a module whose weights lie on many ranks."""

OF_SCHEDULES = ("_step_count", "_last_lr", "_get_lr_called_within_step", "_is_initial")
"""Attributes by which torch's schedules warn and report; they say nothing of the next rate."""

OF_OPTIMIZERS = ("state", "param_groups", "defaults", "step", "_opt_called")
"""Attributes of an optimizer that are saved, or that torch's schedules set."""

VALUES = (int, float, complex, bool, str, bytes, type(None), range, enum.Enum)
NAMED = (type, types.ModuleType, types.BuiltinFunctionType, torch.dtype, torch.device, torch.Size)
DATA = (int, float, str, list, dict, set, deque, itertools.count, Tensor, np.ndarray)
"""Kinds of global variables that are looked at."""

MOST_BYTES = 2**26
"""Of a global variable; a larger one is data."""

MOST_ENTRIES = 100_000
"""Of one module; one that holds more is not compared."""

FOREIGN = ("torch.", "seedbed.", "builtins.")
"""Packages whose classes keep nothing for themselves."""


class _Opaque:
    """Something that cannot be compared; it equals nothing."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def plain_state(
    module: Any,
    opaque: Callable[[Any], Any] | None = None,
    leave_out: Callable[[nn.Module], bool] = lambda one: False,
) -> PlainState:
    """All that the module and those in it keep in attributes; of any other object, all of it.

    Args:
        module: a model, or a loss.
        opaque: what stands for an object that cannot be compared; by default what equals nothing.
        leave_out: whether the attributes of a module are of no interest.
    """
    walk = _Walk(opaque) if opaque is not None else _Walk()
    if not isinstance(module, nn.Module):
        walk.entries([("itself", module)], "")
        return walk.found
    for name, one in [*module.named_parameters(), *module.named_buffers()]:
        walk.know(one, name)
    modules = list(module.named_modules())
    for name, one in modules:
        walk.know(one, name or "self")
    for name, one in modules:
        if leave_out(one):
            continue
        own = [(key, value) for key, value in vars(one).items() if not _is_registry(key)]
        walk.entries(own, f"{name}." if name else "")
    return walk.found


def unsaved_state(module: nn.Module) -> PlainState:
    """What no `state_dict` holds: attributes, and buffers that are not persistent.

    A module with a `get_extra_state` of its own is taken to save there what it needs.
    """
    walk = _Walk(opaque=id)
    saved = module.state_dict()
    for name, buffer in module.named_buffers():
        if name not in saved:
            walk.entries([(name, buffer)], "")
    return {**plain_state(module, id, _saves_more), **walk.found}


def unsaved_of_optimizer(optimizer: Optimizer) -> PlainState:
    """What torch's own `state_dict` of an optimizer does not hold."""
    walk = _Walk(opaque=id)
    walk.know(optimizer, "self")
    for group in optimizer.param_groups:
        for one in group["params"]:
            walk.know(one, "a parameter")
    own = [(key, value) for key, value in vars(optimizer).items() if key not in OF_OPTIMIZERS]
    walk.entries(own, "")
    return walk.found


def state_of_schedule(schedule: LRScheduler) -> PlainState:
    """What a learning-rate schedule keeps for itself."""
    walk = _Walk(opaque=id)
    walk.know(schedule.optimizer, "optimizer")
    own = [(key, value) for key, value in vars(schedule).items() if key not in OF_SCHEDULES]
    walk.entries(own, "")
    return walk.found


def shared_state(module: Any) -> PlainState:
    """What the classes of the module, and the packages that they come from, keep for all objects.

    What cannot be compared is taken for itself: much of it is no matter of the module.
    """
    walk = _Walk(opaque=id)
    parts = [*module.modules()] if isinstance(module, nn.Module) else [module]
    classes = {base for one in parts for base in type(one).__mro__}
    own = [one for one in classes if not f"{one.__module__}.".startswith(FOREIGN)]
    for found in own:
        walk.entries(_data(vars(found), found.__module__), f"{found.__name__}.")
    homes = [*(one.__module__ for one in own), *_homes_of_functions(parts)]
    packages = tuple({f"{one.partition('.')[0]}." for one in homes})
    for name, home in sorted(sys.modules.items()):
        if packages and f"{name}.".startswith(packages):
            walk.entries(_data(vars(home), name), f"{name}.")
    return walk.found


def _homes_of_functions(parts: Sequence[Any]) -> list[str]:
    """Modules of the functions that objects keep in attributes."""
    homes = []
    for part in parts:
        for value in list(getattr(part, "__dict__", {}).values()):
            while isinstance(value, functools.partial):
                value = value.func
            home = getattr(value, "__module__", None)
            own = isinstance(value, types.FunctionType | types.MethodType)
            if own and isinstance(home, str) and not f"{home}.".startswith(FOREIGN):
                homes.append(home)
    return homes


def first_difference(one: PlainState, other: PlainState) -> str | None:
    """The path at which two states differ, or None."""
    for path, value in one.items():
        if path not in other or value != other[path]:
            return path
    return next((path for path in other if path not in one), None)


def _saves_more(module: nn.Module) -> bool:
    return type(module).get_extra_state is not nn.Module.get_extra_state


def _is_registry(attribute: str) -> bool:
    of_hooks = attribute[0] == "_" and "_hooks" in attribute
    return attribute in REGISTRIES or of_hooks or attribute.startswith(OF_SHARDS)


def _data(names: Mapping[str, Any], home: str) -> list[tuple[str, Any]]:
    """Values, and functions that are defined there: these may keep something too."""
    return [
        (name, value)
        for name, value in names.items()
        if not (name.startswith("__") and name.endswith("__"))
        and (
            (isinstance(value, DATA) and getattr(value, "nbytes", 0) <= MOST_BYTES)
            or (isinstance(value, types.FunctionType) and value.__module__ == home)
        )
    ]


class _Walk:
    """Goes through objects; each is looked at once."""

    def __init__(self, opaque: Callable[[Any], Any] = lambda value: _Opaque()) -> None:
        self.opaque = opaque
        self.found: PlainState = {}
        self._known: dict[int, tuple[str, Any]] = {}

    def know(self, value: Any, name: str) -> None:
        """Notes where an object stands; it is kept, so that no other gets its id."""
        self._known.setdefault(id(value), (name, value))

    def entries(self, pairs: Any, prefix: str) -> None:
        """Several attributes."""
        for key, value in list(pairs):
            self._value(f"{prefix}{key}", value)

    def _value(self, path: str, value: Any) -> None:
        if isinstance(value, VALUES):
            text = hex(value) if type(value) is int else repr(value)  # of any length
            self.found[path] = (type(value).__qualname__, text)
        elif isinstance(value, NAMED):
            self.found[path] = repr(value)
        elif id(value) in self._known:
            self.found[path] = ("see", self._known[id(value)][0])
        elif len(self.found) > MOST_ENTRIES:
            self.found[path] = self.opaque(value)
        else:
            self.know(value, path)
            self._object(path, value)

    def _object(self, path: str, value: Any) -> None:
        kind = type(value)
        self.found[path] = (kind.__module__, kind.__qualname__)
        if isinstance(value, Tensor):
            self.found[path] = self._digest_of_tensor(value)
        elif isinstance(value, torch.Generator):
            self.found[path] = self._digest_of_tensor(value.get_state())
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            self.found[path] = (value.shape, str(value.dtype), _digest(value.tobytes()))
        elif isinstance(value, logging.Logger):
            self.found[path] = ("logger", value.name)
        elif isinstance(value, weakref.ref):
            self._value(f"{path}()", value())
        elif isinstance(value, types.FunctionType):
            self._function(path, value)
        elif isinstance(value, types.MethodType):
            self.entries([("self", value.__self__), ("function", value.__func__)], f"{path}.")
        elif isinstance(value, functools.partial):
            self.entries(
                [("function", value.func), ("args", value.args), ("keywords", value.keywords)],
                f"{path}.",
            )
        elif isinstance(value, random.Random):
            self.found[path] = repr(value.getstate())
        else:
            self._collection(path, value)

    def _function(self, path: str, value: types.FunctionType) -> None:
        self.found[path] = (value.__module__, value.__qualname__)
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            if cell != types.CellType():
                self._value(f"{path}.{name}", cell.cell_contents)
        own = [("defaults", value.__defaults__), ("keywords", value.__kwdefaults__)]
        self.entries([*own, *vars(value).items()], f"{path}.")

    def _collection(self, path: str, value: Any) -> None:
        if isinstance(value, Mapping):
            self.found[path] = (type(value).__qualname__, [repr(key) for key in value])
            for key, one in list(value.items()):
                self._value(f"{path}[{key!r}]", one)
        elif isinstance(value, Sequence | deque):
            self.found[path] = (type(value).__qualname__, len(value))
            for place, one in enumerate(value):
                self._value(f"{path}[{place}]", one)
        elif isinstance(value, set | frozenset):
            self.found[path] = (type(value).__qualname__, sorted(map(repr, value)))
        elif not hasattr(value, "__dict__"):
            self.found[path] = self._pickled(value)
        if hasattr(value, "__dict__"):
            self.entries(vars(value).items(), f"{path}.")

    def _digest_of_tensor(self, tensor: Tensor) -> Any:
        try:
            flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            held = _digest(flat.numpy().tobytes())
        except (RuntimeError, TypeError, NotImplementedError):  # sparse, quantized, batched, …
            return self.opaque(tensor)
        return tuple(tensor.shape), str(tensor.dtype), tensor.requires_grad, held

    def _pickled(self, value: Any) -> Any:
        """Of an object that shows nothing of itself."""
        try:
            return type(value).__qualname__, _digest(pickle.dumps(value))
        except Exception:  # of any kind: it is the user's
            return self.opaque(value)


def _digest(held: bytes) -> str:
    return hashlib.blake2b(held, digest_size=16).hexdigest()
