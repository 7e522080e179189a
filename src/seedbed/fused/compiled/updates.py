"""The optimizers' updates in C, and the numbers that each step of them takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.fused.adam import WIDE, Adam
from seedbed.fused.compiled.places import NotWritableError
from seedbed.fused.kept_state import KeptState, Numbers
from seedbed.fused.optimizers import SGD

ROOTS = "/* roots */"


class Update:
    """An optimizer's step of one run, or of a few side by side.

    Args:
        optimizer: of the stack.
        weights: as they lie.

    Attributes:
        states: the names of its state, in the order in which C has it.
        names: of the numbers that it takes, likewise.
        lines: of C; `w`, `g` and `s0`, `s1`, … are a weight, its gradient and its state.
        roots: the state whose roots MKL takes where the line `ROOTS` stands, of all weights.
    """

    states: Sequence[str] = ()
    roots: int | None = None

    def __init__(self, optimizer: KeptState, weights: Tensor) -> None:
        self.optimizer, self.weights = optimizer, weights
        self.names: list[str] = []
        self.lines = ["g = -g;"] if optimizer.switches["maximize"] else []

    def fixed(self, given: Numbers) -> Mapping[str, Any]:
        """Numbers that are the same in each step, by name; each (runs, 1)."""
        return self.optimizer.taken(given, self.weights)

    def moving(self, given: Numbers, step: int) -> Mapping[str, Any]:
        """Those of one step, by name; each (runs, 1) or (runs,)."""
        return {}

    def _add(self, line: str, *names: str) -> None:
        """A line, and the numbers that no line before it takes."""
        self.lines.append(line)
        self.names += names

    def _decay(self) -> None:
        if "weight_decay" in self.optimizer.used:
            if self.optimizer.decoupled:
                self._add("w = w * left;", "left")
            else:
                self._add("g = fmaf(w, weight_decay, g);", "weight_decay")


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


class _SGD(Update):
    def __init__(self, optimizer: SGD, weights: Tensor) -> None:
        super().__init__(optimizer, weights)
        self.names = ["lr"]
        self._decay()
        moved = "g"
        if "momentum" in optimizer.used:
            self.states = ["momentum_buffer"]
            self._add("s0 = fmaf(g, taken, s0 * kept);", "momentum", "kept", "taken")
            all_move = "momentum" in optimizer.used_by_all
            moved = "s0" if all_move else "(momentum == 0 ? g : s0)"
            if optimizer.switches["nesterov"]:
                moved = "fmaf(s0, momentum, g)"
        self._add(f"w = fmaf(-{moved}, lr, w);")

    def fixed(self, given: Numbers) -> Mapping[str, Any]:
        """See `Update`."""
        rounded = super().fixed(given)
        idle = rounded["momentum"] == 0
        return {
            **rounded,
            "kept": rounded["momentum"].masked_fill(idle, 1),
            "taken": rounded["undamped"].masked_fill(idle, 0),
        }


class _AnyAdam(Update):
    """What the two below have in common; `squares` is how each follows those of gradients."""

    optimizer: Adam
    squares: str

    def __init__(self, optimizer: Adam, weights: Tensor) -> None:
        super().__init__(optimizer, weights)
        self.states = optimizer.names
        self._decay()
        self._add("s0 = new1 < 0.5f ? fmaf(new1, g - s0, s0) : fmaf(new1 - 1, g - s0, g);", "new1")
        self._add(self.squares, "beta2", "new2")
        self.divisor = len(self.states) - 1
        if self.divisor > 1:
            self._add("s2 = s2 > s1 || s2 != s2 ? s2 : s1;")


class _Adam(_AnyAdam):
    """Of rows, by torch's fused kernel; the rate is taken afterwards where rows are narrow.

    Source: ATen/native/cpu/FusedAdamKernel.cpp.
    """

    squares = "s1 = fmaf(new2 * g, g, s1 * beta2);"

    def __init__(self, optimizer: Adam, weights: Tensor) -> None:
        super().__init__(optimizer, weights)
        self.wide = weights.shape[1] >= WIDE
        move = f"length * s0 / (sqrtf(s{self.divisor}) / scale + eps)"
        if self.wide:
            self._add(f"w = w + {move};", "eps", "length", "scale")
        else:
            self._add(f"w = fmaf(0 + {move}, lr, w);", "eps", "length", "scale", "lr")

    def moving(self, given: Numbers, step: int) -> Mapping[str, Any]:
        """See `Update`."""
        runs = len(given["lr"])
        length, scale = np.empty(runs), np.empty(runs)
        for rows, own in self.optimizer.alike(given, *(["lr"] if self.wide else []), "beta1"):
            length[rows] = -(own.get("lr", 1.0) / (1 - own["beta1"] ** float(step)))
            scale[rows] = np.sqrt(1 - own["beta2"] ** float(step))
        return {"length": length, "scale": scale}


class _AdamByHand(_AnyAdam):
    """Where the runs lie inside."""

    squares = "s1 = fmaf(g * g, new2, s1 * beta2);"

    def __init__(self, optimizer: Adam, weights: Tensor) -> None:
        super().__init__(optimizer, weights)
        self.roots = self.divisor
        self._add(ROOTS)
        self._add("w = w + s0 * length / (root + eps);", "length", "eps")

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
