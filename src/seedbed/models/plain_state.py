"""What a module keeps outside its parameters and buffers, in a form that can be compared.

A stack has one module for all of its runs: what else `forward` reads or changes would be shared.
"""

import functools
import itertools
import sys
import types
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from seedbed.models.state_walk import PlainState, StateWalk

REGISTRIES = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set")
"""Attributes of a registered module that are compared otherwise; so are its hooks."""

OF_SHARDS = "__composable_api_"
"""Begins the names of attributes by which torch knows a module whose weights lie on many ranks."""

OF_SCHEDULES = ("_step_count", "_last_lr", "_get_lr_called_within_step", "_is_initial")
"""Attributes by which torch's schedules warn and report; they say nothing of the next rate."""

OF_OPTIMIZERS = ("state", "param_groups", "defaults", "step", "_opt_called")
"""Attributes of an optimizer that are saved, or that torch's schedules set."""

DATA = (int, float, str, list, dict, set, deque, itertools.count, Tensor, np.ndarray)
"""Kinds of global variables that are looked at."""

MOST_BYTES = 2**26
"""Of a global variable; a larger one is data."""

FOREIGN = ("torch.", "seedbed.", "builtins.")
"""Packages whose classes keep nothing for themselves."""


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
    walk = StateWalk(opaque) if opaque is not None else StateWalk()
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
    walk = StateWalk(opaque=id)
    saved = module.state_dict()
    for name, buffer in module.named_buffers():
        if name not in saved:
            walk.entries([(name, buffer)], "")
    return {**plain_state(module, id, _saves_more), **walk.found}


def unsaved_of_optimizer(optimizer: Optimizer) -> PlainState:
    """What torch's own `state_dict` of an optimizer does not hold."""
    walk = StateWalk(opaque=id)
    walk.know(optimizer, "self")
    for group in optimizer.param_groups:
        for one in group["params"]:
            walk.know(one, "a parameter")
    own = [(key, value) for key, value in vars(optimizer).items() if key not in OF_OPTIMIZERS]
    walk.entries(own, "")
    return walk.found


def state_of_schedule(schedule: LRScheduler) -> PlainState:
    """What a learning-rate schedule keeps for itself."""
    walk = StateWalk(opaque=id)
    walk.know(schedule.optimizer, "optimizer")
    own = [(key, value) for key, value in vars(schedule).items() if key not in OF_SCHEDULES]
    walk.entries(own, "")
    return walk.found


def shared_state(module: Any) -> PlainState:
    """What the classes of the module, and the packages that they come from, keep for all objects.

    What cannot be compared is taken for itself: much of it is no matter of the module.
    """
    walk = StateWalk(opaque=id)
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
