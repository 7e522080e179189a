"""Metrics of one run at a time, in the form of `Metric`: each run of a stack is measured by itself.

What is computed of a run is a function of its rows alone: code of somebody else's gets copies,
begins with the same random state every time, and leaves the process's generators as they were.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import nan
from numbers import Real
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from seedbed.config.fitting import as_float
from seedbed.process.generators import generators_put_back
from seedbed.raised import defined_at

Form = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Predictions and targets of one run as a metric takes them, from the rows that `Metric` has."""


class Updatable(Protocol):
    """What sees its rows a piece at a time, as the classes of torchmetrics do."""

    def update(self, predictions: Tensor, targets: Tensor) -> Any:
        """Looks at further rows."""
        ...

    def compute(self) -> Any:
        """The number, of all rows so far."""
        ...


class FunctionOfRows:
    """`Metric.compute` of a function of one run's predictions and targets.

    Args:
        name: of the metric.
        function: gives a number.
        form: see `Form`.
        part: the user's own behind it, for errors and as it may draw; None of a known one.
    """

    def __init__(
        self, name: str, function: Callable[[Tensor, Tensor], Any], form: Form, part: object
    ) -> None:
        self.name, self.function, self.form, self.part = name, function, form, part

    def __call__(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """The value of every run; NaN of one with a prediction that is no finite number.

        Shape:
            (runs, rows, …), twice -> (runs,) float64
        """
        with self.by_itself():
            values = [self._of_run(*own) for own in zip(predictions, targets, strict=True)]
        return torch.tensor(values, dtype=torch.float64)

    def by_itself(self) -> AbstractContextManager[None]:
        """Where it is called."""
        return nullcontext() if self.part is None else by_itself()

    def _of_run(self, predictions: Tensor, targets: Tensor) -> float:
        if not bool(predictions.isfinite().all()):
            return nan
        if self.part is not None:
            seed_all()
        return number_of(self.name, self.function(*self.form(predictions, targets)), self.part)


class UpdatedByRows(FunctionOfRows):
    """`Metric.compute`, and `Metric.pieces`, of an object with `update` and `compute`.

    Args:
        name: of the metric.
        make: makes one that has seen no row. One of the user's own is made for every evaluation, as
            its `reset` may forget what it keeps; a known one is reset.
        form, part: see `FunctionOfRows`.
    """

    def __init__(
        self, name: str, make: Callable[[], Updatable], form: Form, part: object = None
    ) -> None:
        super().__init__(name, self._computed, form, part)
        self.make = make
        self._made: Any = None

    def begun(self) -> Updatable:
        """One that has seen no row."""
        if self._made is not None and self.part is None:
            self._made.reset()
        else:
            self._made = self.make()
        made: Updatable = self._made
        return made

    def _computed(self, predictions: Tensor, targets: Tensor) -> Any:
        updated = self.begun()
        updated.update(predictions, targets)
        return updated.compute()

    def pieces(self) -> "UpdatedPieces":
        """See `Metric.pieces`; only one is in use at a time."""
        return UpdatedPieces(self)


class UpdatedPieces:
    """See `Pieces`.

    Args:
        of: whose object is updated.
    """

    def __init__(self, of: UpdatedByRows) -> None:
        self.of, self.sound = of, True
        with of.by_itself():
            self.updated = of.begun()

    def add(self, predictions: Tensor, targets: Tensor) -> None:
        """Looks at further rows of one run; shapes as `Metric` takes them."""
        self.sound = self.sound and bool(predictions.isfinite().all())
        if self.sound:
            with self.of.by_itself():
                self.updated.update(*self.of.form(predictions[0], targets[0]))

    def value(self) -> float:
        """NaN after a prediction that is no finite number."""
        if not self.sound:
            return nan
        with self.of.by_itself():
            return number_of(self.of.name, self.updated.compute(), self.of.part)


@contextmanager
def by_itself() -> Iterator[None]:
    """Inside, what is drawn and what is left in the generators is no matter of the training."""
    with generators_put_back(), torch.no_grad():
        seed_all()
        yield


def seed_all() -> None:
    """The generators of the CPU begin anew; those of an accelerator are the training's alone."""
    random.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)


class NoNumberError(TypeError):
    """A metric gave something else than one number.

    Args:
        told: what.
        part: the user's own behind it.
    """

    def __init__(self, told: str, part: object) -> None:
        super().__init__(f"{told}, and a metric is one number{defined_at(part)}")
        self.part = part


def number_of(name: str, value: Any, part: object) -> float:
    """The number that a metric gave.

    Args:
        name: of the metric.
        value: whatever it gave.
        part: the user's own behind it.

    Raises:
        NoNumberError: if it is none; with the line of the user's own.
    """
    plain = value
    if isinstance(value, Tensor | np.ndarray | np.generic):
        size = value.numel() if isinstance(value, Tensor) else value.size
        plain = value.item() if size == 1 else value
    if isinstance(plain, bool | Real):
        return as_float(plain)  # type: ignore[arg-type]  # whose numbers are any that Python has
    raise NoNumberError(f"{name} gives {_in_words(value)}", part)


def _in_words(value: Any) -> str:
    if value is None:
        return "nothing"
    shape = getattr(value, "shape", None)
    if shape is not None and tuple(shape):
        return f"numbers of shape {tuple(shape)}"
    return f"a {type(value).__name__}"
