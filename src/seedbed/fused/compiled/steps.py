"""The compiled steps of a stack: looked for, compiled where that repays, checked, and made.

Whatever cannot be compiled, or comes to other bits than the steps that torch makes, goes on as it
was. So nothing of a run depends on whether its steps were compiled.
"""

import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from seedbed.fused.compiled.forms import (
    Form,
    NotCompiledError,
    Stacked,
    form_of,
    refuse_other_stacks,
)

log = logging.getLogger("seedbed")

COMPARED = 2
"""Steps that are made in both ways before those of torch are left."""

SECONDS_AT_ONCE = 0.05
"""That the steps of a call take, about: nobody is heard in the meantime."""


@dataclass(frozen=True)
class Compiling:
    """Whether steps are compiled.

    Args:
        mode: always, never, or where that repays.
        note: called with why they are not, where they are always to be.
    """

    mode: Literal["auto", "always", "never"] = "never"
    note: Callable[[str], None] = log.debug


@dataclass(frozen=True)
class Several:
    """Batches that are trained on in one call.

    Args:
        rows: numbers of their rows, (runs or 1, steps * batch).
        batch: rows in each.
        steps: how many.
    """

    rows: Tensor
    batch: int
    steps: int


@dataclass(frozen=True)
class _Beside:
    """What a compiled step comes to, to be compared with torch's.

    Args:
        form: of the step.
        tensors: losses, weights and states after it.
    """

    form: Form
    tensors: list[Tensor]


class CompiledSteps:
    """Those of one stack.

    Args:
        engine: of the stack.
        compiling: whether they are compiled.
    """

    def __init__(self, engine: Stacked, compiling: Compiling) -> None:
        self.engine = engine
        self.mode = compiling.mode
        self._note = compiling.note if compiling.mode == "always" else log.debug
        self._forms: dict[Hashable, Form | None] = {}
        self._step_seconds = 0.0
        self._order: tuple[Any, Tensor] = (None, torch.empty(0))
        self._place = (0, 0)
        if self.mode != "never":
            try:
                refuse_other_stacks(engine)
            except NotCompiledError as err:
                self._refuse(str(err))
                self.mode = "never"

    def several(self, epoch: int, batch: int, most: int) -> Several | None:
        """Batches whose steps may be made in one call; None if torch is to make the next one.

        Args:
            epoch: of the first.
            batch: its number.
            most: how many.
        """
        self._place = (epoch, batch)
        if self.mode == "never":
            return None
        rows, alike = self._next(batch)
        form = self._forms.get(self._key(rows))
        if form is None or form.library is None or form.compared < COMPARED:
            return None
        if self.engine.plan.schedules.moves_by_step or self.engine.looks_at_steps:
            most = 1
        if self._step_seconds:
            most = min(most, int(SECONDS_AT_ONCE / self._step_seconds))
        return self._rows(rows, max(1, min(most, alike)))

    def make(self, several: Several) -> Tensor:
        """Makes the steps; their losses.

        Shape:
            (steps, runs)
        """
        form = self._forms[self._key(several.batch)]
        assert form is not None
        began = time.perf_counter()
        losses, *_ = self._made(form, several, self.engine.weights, self._states(form))
        self._step_seconds = (time.perf_counter() - began) / several.steps
        self.engine.optimizer.steps += several.steps
        return losses

    def beside(self, rows: int) -> _Beside | None:
        """Makes the step that torch makes next on copies, where it is still to be compared.

        Args:
            rows: of the batch.
        """
        form = self._forms.get(self._key(rows)) if self.mode != "never" else None
        if form is None or form.library is None or form.compared >= COMPARED:
            return None
        weights, *states = (_copied(one) for one in [self.engine.weights, *self._states(form)])
        return _Beside(form, self._made(form, self._rows(rows, 1), weights, states))

    def after(self, rows: int, losses: Tensor, beside: _Beside | None) -> None:
        """Compares the step that torch made, and sees to the next one.

        Args:
            rows: of its batch.
            losses: of the runs.
            beside: the same step, compiled.
        """
        if self.mode == "never":
            return
        if beside is not None:
            found = [losses[None], self.engine.weights, *self._states(beside.form)]
            if all(map(_same_bits, beside.tensors, found)):
                beside.form.compared += 1
            else:
                self._forms[self._key(rows)] = None
                self._refuse("they come to other bits than torch's here")
        self._seen_to(rows)
        epoch, batch = self._place
        self._place = (epoch, batch + 1)

    def forget(self) -> None:
        """Has steps compared again: torch's are written out anew for other runs."""
        for form in self._forms.values():
            if form is not None:
                form.compared = 0

    def stop(self, *, seconds: float = 0.0) -> None:
        """Ends compilers that are not needed any more.

        Args:
            seconds: that they may still take.
        """
        for form in self._forms.values():
            if form is not None and form.library is None:
                form.compilation.stop(seconds=seconds)

    def _seen_to(self, rows: int) -> None:
        """Finds out what can be compiled, and has it compiled.

        Args:
            rows: of the batch of the step that torch made.
        """
        key, always = self._key(rows), self.mode == "always"
        try:
            if key not in self._forms:
                self._forms[key] = form_of(self.engine, self._left(rows), always=always)
            if form := self._forms[key]:
                form.advance(wait=always)
        except NotCompiledError as err:
            self._forms[key] = None
            self._refuse(str(err))

    def _refuse(self, why: str) -> None:
        self._note(f"sweep.compile: steps are not compiled: {why}")

    def _left(self, rows: int) -> int:
        """Steps to come of batches with so many rows, at most."""
        epoch, batch = self._place
        epochs = max(config.trainer.epochs for config in self.engine.configs)
        batches = self.engine.plan.batches
        if rows != batches.batch_size:
            return epochs - epoch  # the last of each
        return (epochs - epoch) * (batches.orders.visited // rows) - batch

    def _next(self, batch: int) -> tuple[int, int]:
        """Rows of a batch, and how many in a row have as many."""
        batches = self.engine.plan.batches
        size, visited = batches.batch_size, batches.orders.visited
        whole = visited // size
        return (size, whole - batch) if batch < whole else (visited - batch * size, 1)

    def _key(self, rows: int) -> Hashable:
        optimizer, numbers = self.engine.optimizer, self.engine.plan.schedules.numbers
        optimizer.taken(numbers, self.engine.weights)
        return rows, frozenset(optimizer.used), frozenset(optimizer.used_by_all)

    def _rows(self, rows: int, steps: int) -> Several:
        """Of the batches that come next."""
        epoch, batch = self._place
        batches = self.engine.plan.batches
        key = epoch, len(self.engine.weights), tuple(batches.orders.seeds)
        if self._order[0] != key:
            order = batches.orders.of(epoch)
            self._order = key, (order if order.ndim == 2 else order[None]).contiguous()
        start = batch * batches.batch_size
        return Several(self._order[1][:, start : start + rows * steps], rows, steps)

    def _states(self, form: Form) -> list[Tensor]:
        return [self.engine.optimizer.state[name] for name in form.numbers.update.states]

    def _made(
        self, form: Form, several: Several, weights: Tensor, states: list[Tensor]
    ) -> list[Tensor]:
        """Losses, weights and states after steps; these are changed in place."""
        assert form.library is not None
        plan = self.engine.plan
        first = self.engine.optimizer.steps + 1
        numbers = form.numbers.of(plan.schedules.numbers, first, several.steps)
        table = plan.batches.table
        losses = form.library(
            weights, states, (table.x, table.y), several.rows, table.starts, numbers, several.steps
        )
        return [losses, weights, *states]


def _copied(tensor: Tensor) -> Tensor:
    """In memory of its own, laid out alike."""
    return torch.empty_like(tensor).copy_(tensor)


def _same_bits(one: Tensor, other: Tensor) -> bool:
    """Numbers to the bit; NaN is NaN."""
    same = one.contiguous().view(torch.int32) == other.contiguous().view(torch.int32)
    return bool((same | (one.isnan() & other.isnan())).all())
