"""Where the tensors of a written-out step lie in the C function that carries it out for one run.

Rows first, a run is computed at a time; runs last, `LANES_AT_ONCE` runs, whose numbers lie side by
side. All that is made on the way lies in one piece of memory that each run uses again, so that it
stays in the processor's cache.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.fused.lanes import LANES
from seedbed.fused.program import Program
from seedbed.fused.values import Value

LANES_AT_ONCE = 16
"""Runs that are computed together where they lie inside: a register of the widest kind."""

TYPES = {torch.float32: "float", torch.int64: "long"}


class NotWritableError(Exception):
    """A step that is not written in C; the text says what it holds."""


@dataclass(frozen=True)
class Place:
    """A tensor of one run, or of a few side by side, as C sees it.

    Args:
        buffer: its name in C.
        offset: of its first number.
        sizes, strides: of its dimensions, runs left out; the lanes are the last of them.
    """

    buffer: str
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def start(self) -> str:
        """Its first number's address."""
        return f"{self.buffer} + {self.offset}" if self.offset else self.buffer

    @property
    def extent(self) -> int:
        """Numbers from the beginning of the buffer to its last."""
        last = sum((n - 1) * s for n, s in zip(self.sizes, self.strides, strict=True))
        return self.offset + last + 1


@dataclass(frozen=True)
class Number:
    """The same number everywhere."""

    value: float

    @property
    def text(self) -> str:
        """In C, to the bit."""
        if not math.isfinite(self.value):
            raise NotWritableError(f"the number {self.value}")
        return f"{float(np.float32(self.value)).hex()}f"


class Places:
    """Finds where each tensor lies.

    Args:
        program: of the step, carried out once.
        weights, x, y: its arguments in that call.
    """

    def __init__(self, program: Program, weights: Tensor, x: Tensor, y: Tensor) -> None:
        self.runs_last = program.runs_last
        self.lanes = LANES_AT_ONCE if self.runs_last else 1
        self.runs = len(weights)
        self.sizes: dict[str, int] = {}
        self.types: dict[str, str] = {}
        self._buffers: dict[int, tuple[str, Tensor]] = {}
        for name, tensor in (("weights", weights), ("x", x), ("y", y)):
            self._add(name, tensor)

    def place(self, given: Any) -> Place | Number:
        """Of an argument or a result of an operation.

        Raises:
            NotWritableError: if it is of another type, or not of each run alike.
        """
        if isinstance(given, int | float):
            return Number(float(given))
        constant = isinstance(given, Value) and given.constant
        tensor = given.tensor if isinstance(given, Value) else given
        if not isinstance(tensor, Tensor) or tensor.dtype not in TYPES:
            raise NotWritableError("something else than numbers")
        if constant:
            return _uniform(tensor)
        if _storage(tensor) not in self._buffers:
            self._add(f"t{len(self._buffers) - 3}", tensor)
        name, first = self._buffers[_storage(tensor)]
        offset = (tensor.data_ptr() - first.data_ptr()) // tensor.element_size()
        place = self._of_one_run(name, tensor, offset)
        self.sizes[name] = max(self.sizes[name], place.extent)
        return place

    def _add(self, name: str, tensor: Tensor) -> None:
        if tensor.dtype not in TYPES:
            raise NotWritableError(f"numbers of {tensor.dtype}")
        self._buffers[_storage(tensor)] = (name, tensor)
        self.types[name] = TYPES[tensor.dtype]
        self.sizes[name] = 0

    def _of_one_run(self, name: str, tensor: Tensor, offset: int) -> Place:
        if tensor.ndim == 0 or len(tensor) != self.runs:
            raise NotWritableError("a tensor that is not of each run")
        sizes, strides = tensor.shape[1:], tensor.stride()[1:]
        if not self.runs_last:
            return Place(name, offset, tuple(sizes), tuple(strides))
        inside = [stride if n > 1 else 0 for n, stride in zip(sizes, strides, strict=True)]
        if any(stride % self.runs for stride in (*inside, offset)):
            raise NotWritableError("runs that do not lie inside")
        lanes = self.lanes
        moved = tuple(stride // self.runs * lanes for stride in inside)
        return Place(name, offset // self.runs * lanes, (*sizes, lanes), (*moved, 1))

    def scratch(self) -> dict[str, int]:
        """The first number of each buffer that is made on the way, and how many numbers in all."""
        found, start = {}, 0
        for name, size in self.sizes.items():
            if name == "weights" and not self.runs_last:
                continue
            found[name] = start
            words = size * (2 if self.types[name] == "long" else 1)
            start += math.ceil(words / LANES) * LANES
        return {**found, "": start}


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _uniform(tensor: Tensor) -> Number:
    numbers = tensor.reshape(-1)
    if tensor.dtype != torch.float32 or not len(numbers) or not bool((numbers == numbers[0]).all()):
        raise NotWritableError("a constant of several numbers")
    return Number(float(numbers[0]))


def shapes(places: Sequence[Place | Number]) -> str:
    """Those of a few tensors, in a comment."""
    return ", ".join(
        "x".join(map(str, one.sizes)) or "1" if isinstance(one, Place) else f"{one.value:g}"
        for one in places
    )
