"""The optimizers' updates in C, and the numbers that each step of them takes."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from seedbed.fused.adam import WIDE, Adam
from seedbed.fused.compiled.places import NotWritableError
from seedbed.fused.kept_state import Numbers
from seedbed.fused.optimizers import SGD

ROOTS = "/* roots */"


class Update(Protocol):
    """An optimizer's step of one run, or of a few side by side.

    Args:
        states: the names of its state, in the order in which C has it.
        names: of the numbers that it takes, likewise.
        lines: of C; `w`, `g` and `s0`, `s1`, … are a weight, its gradient and its state.
        roots: the state whose roots MKL takes where the line `ROOTS` stands, of all weights.
    """

    states: list[str]
    names: list[str]
    lines: list[str]
    roots: int | None

    def fixed(self, given: Numbers) -> Mapping[str, Any]:
        """Numbers that are the same in each step, by name; each (runs, 1)."""
        ...

    def moving(self, given: Numbers, step: int) -> Mapping[str, Any]:
        """Those of one step, by name; each (runs, 1) or (runs,)."""
        ...


def update_of(optimizer: Any, given: Numbers, weights: Tensor) -> Update:
    """As it is made with these numbers.

    Raises:
        NotWritableError: of an optimizer that has none.
    """
    if not isinstance(optimizer, SGD | Adam):
        raise NotWritableError(f"the optimizer {type(optimizer).__name__}")
    if optimizer.columns is not None:
        raise NotWritableError("groups of parameters with numbers of their own")
    optimizer.taken(given, weights)
    if isinstance(optimizer, SGD):
        return _SGD(optimizer, weights)
    by_hand = not weights.is_contiguous()
    return _AdamByHand(optimizer, weights) if by_hand else _Adam(optimizer, weights)


class _SGD:
    roots: int | None = None

    def __init__(self, optimizer: SGD, weights: Tensor) -> None:
        self.optimizer, self.weights = optimizer, weights
        self.names, self.lines = ["lr"], _turned(optimizer)
        self.states: list[str] = []
        if "weight_decay" in optimizer.used:
            self.names.append("weight_decay")
            self.lines.append("g = fmaf(w, weight_decay, g);")
        moved = "g"
        if "momentum" in optimizer.used:
            self.states = ["momentum_buffer"]
            self.names += ["momentum", "kept", "taken"]
            self.lines.append("s0 = fmaf(g, taken, s0 * kept);")
            all_move = "momentum" in optimizer.used_by_all
            moved = "s0" if all_move else "(momentum == 0 ? g : s0)"
            if optimizer.switches["nesterov"]:
                moved = "fmaf(s0, momentum, g)"
        self.lines.append(f"w = fmaf(-{moved}, lr, w);")

    def fixed(self, given: Numbers) -> Mapping[str, Any]:
        """See `Update`."""
        rounded = self.optimizer.taken(given, self.weights)
        idle = rounded["momentum"] == 0
        return {
            **rounded,
            "kept": rounded["momentum"].masked_fill(idle, 1),
            "taken": rounded["undamped"].masked_fill(idle, 0),
        }

    def moving(self, given: Numbers, step: int) -> Mapping[str, Any]:
        """See `Update`."""
        return {}


def _turned(optimizer: SGD | Adam) -> list[str]:
    return ["g = -g;"] if optimizer.switches["maximize"] else []


def _decay(optimizer: Adam) -> tuple[list[str], list[str]]:
    turned = _turned(optimizer)
    if "weight_decay" not in optimizer.used:
        return [], turned
    if optimizer.decoupled:
        return ["left"], [*turned, "w = w * left;"]
    return ["weight_decay"], [*turned, "g = fmaf(w, weight_decay, g);"]


_LERP = "s0 = {0} < 0.5f ? fmaf({0}, g - s0, s0) : fmaf({0} - 1, g - s0, g);"


class _Adam:
    """Of rows, by torch's fused kernel; the rate is taken afterwards where rows are narrow.

    Source: ATen/native/cpu/FusedAdamKernel.cpp.
    """

    roots: int | None = None

    def __init__(self, optimizer: Adam, weights: Tensor) -> None:
        self.optimizer, self.weights = optimizer, weights
        self.wide = weights.shape[1] >= WIDE
        self.states = optimizer.names
        self.names, self.lines = _decay(optimizer)
        self.names += ["new1", "beta2", "new2", "eps", "length", "scale"]
        self.lines += [_LERP.format("new1"), "s1 = fmaf(new2 * g, g, s1 * beta2);"]
        squares = "s1"
        if len(self.states) > 2:
            self.lines.append("s2 = s2 > s1 || s2 != s2 ? s2 : s1;")
            squares = "s2"
        move = f"length * s0 / (sqrtf({squares}) / scale + eps)"
        if self.wide:
            self.lines.append(f"w = w + {move};")
        else:
            self.names.append("lr")
            self.lines.append(f"w = fmaf(0 + {move}, lr, w);")

    def fixed(self, given: Numbers) -> Mapping[str, Any]:
        """See `Update`."""
        return self.optimizer.taken(given, self.weights)

    def moving(self, given: Numbers, step: int) -> Mapping[str, Any]:
        """See `Update`."""
        runs = len(given["lr"])
        length, scale = np.empty(runs), np.empty(runs)
        for rows, own in self.optimizer.alike(given, *(["lr"] if self.wide else []), "beta1"):
            length[rows] = -(own.get("lr", 1.0) / (1 - own["beta1"] ** float(step)))
            scale[rows] = np.sqrt(1 - own["beta2"] ** float(step))
        return {"length": length, "scale": scale}


class _AdamByHand:
    """Where the runs lie inside."""

    def __init__(self, optimizer: Adam, weights: Tensor) -> None:
        self.optimizer, self.weights = optimizer, weights
        self.states = optimizer.names
        self.names, self.lines = _decay(optimizer)
        self.names += ["new1", "beta2", "new2", "length", "eps"]
        self.lines += [_LERP.format("new1"), "s1 = fmaf(g * g, new2, s1 * beta2);"]
        if len(self.states) > 2:
            self.lines.append("s2 = s2 > s1 || s2 != s2 ? s2 : s1;")
        self.roots: int | None = len(self.states) - 1
        self.lines += [ROOTS, "w = w + s0 * length / (root + eps);"]

    def fixed(self, given: Numbers) -> Mapping[str, Any]:
        """See `Update`."""
        return self.optimizer.taken(given, self.weights)

    def moving(self, given: Numbers, step: int) -> Mapping[str, Any]:
        """See `Update`."""
        size, eps = self.optimizer.by_hand_numbers(given, step, self.weights)
        return {"length": size, "eps": eps}


class StepNumbers:
    """The numbers of many steps, as C takes them.

    Args:
        update: that takes them.
    """

    def __init__(self, update: Update) -> None:
        self.update = update
        self._given: Numbers | None = None
        self._fixed = np.empty((0, 0), dtype=np.float32)

    def of(self, given: Numbers, first: int, steps: int) -> Tensor:
        """Those of some steps, the first of which has this number.

        Shape:
            (steps, names, runs)
        """
        names = self.update.names
        if given is not self._given:
            fixed = self.update.fixed(given)
            self._given = given
            self._fixed = np.zeros((len(names), len(given["lr"])), dtype=np.float32)
            for at, name in enumerate(names):
                if name in fixed:
                    self._fixed[at] = _row(fixed[name])
        found = np.repeat(self._fixed[None], steps, axis=0)
        for step in range(steps):
            for name, value in self.update.moving(given, first + step).items():
                found[step, names.index(name)] = _row(value)
        return torch.from_numpy(found)


def _row(value: Any) -> Any:
    return (value.numpy() if isinstance(value, Tensor) else value).reshape(-1)
