"""Goes through the attributes of objects, and what these hold, in a form that can be compared."""

import enum
import functools
import hashlib
import logging
import pickle
import random
import types
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

PlainState = dict[str, Any]
"""By path, such as `layers[0].weight`, what stands there: a value, a digest, or a reference."""

VALUES = (int, float, complex, bool, str, bytes, type(None), range, enum.Enum)

NAMED = (type, types.ModuleType, types.BuiltinFunctionType, torch.dtype, torch.device, torch.Size)

MOST_ENTRIES = 100_000
"""Of one module; one that holds more is not compared."""


class _Opaque:
    """Something that cannot be compared; it equals nothing."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class StateWalk:
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
            self.found[path] = (type(value).__qualname__, _told(value))
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


def _told(value: Any) -> Any:
    """What tells a value from others, without a copy of a long text."""
    if type(value) in (str, bytes):
        return value
    return hex(value) if type(value) is int else repr(value)  # of any length


def _digest(held: bytes) -> str:
    return hashlib.blake2b(held, digest_size=16).hexdigest()
