"""A form of a step, of a batch's size and an optimizer's numbers, and how it is compiled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from seedbed.compiler.compilation import Compilation, CompilerError
from seedbed.config.schema import RunConfig
from seedbed.fused.compiled.library import Library
from seedbed.fused.compiled.places import TYPES, NotWritableError
from seedbed.fused.compiled.source import WIDTHS, Source, source_of
from seedbed.fused.compiled.updates import StepNumbers, update_of
from seedbed.fused.flat import Named
from seedbed.fused.kept_state import KeptState
from seedbed.fused.program import Program
from seedbed.fused.runs_last import RunsLast
from seedbed.fused.sizing import COMPILED, LOOKED, saved_by_step
from seedbed.fused.stack_components import StackComponents


class NotCompiledError(Exception):
    """Steps that stay torch's; the text says why."""


class Stacked(Protocol):
    """What is trained.

    Args:
        plan: of the stack.
        configs: of the run in each slot.
        weights: of each, changed in place.
        buffers: of each.
    """

    plan: StackComponents
    configs: list[RunConfig]
    weights: Tensor
    buffers: Named

    @property
    def optimizer(self) -> KeptState:
        """Of all."""
        ...

    @property
    def looks_at_steps(self) -> bool:
        """Whether each step's weights are looked at, so that a call makes one."""
        ...


@dataclass
class Form:
    """A step that may be compiled.

    Args:
        source: in C.
        numbers: that the update takes.
        compilation: of the source.
        library: once it is there.
        compared: steps that came to the same bits.
    """

    source: Source
    numbers: StepNumbers
    compilation: Compilation
    library: Library | None = None
    compared: int = 0

    def advance(self, *, wait: bool) -> None:
        """Has it compiled, unless it is.

        Args:
            wait: for the compiler.

        Raises:
            NotCompiledError: if that fails.
        """
        if self.library is not None:
            return
        try:
            path: Path | None = self.compilation.wait() if wait else self.compilation.advance()
            if path is not None:
                self.library = Library(path, self.source.scratch, WIDTHS[_capability()])
        except (CompilerError, OSError) as err:
            raise NotCompiledError(str(err)) from err


def form_of(stack: Stacked, steps: int, *, always: bool) -> Form | None:
    """Of the step that torch made last; None where it is not worth while.

    Args:
        stack: that made it.
        steps: to come, of this form.
        always: whether they are compiled however few they are.

    Raises:
        NotCompiledError: if they cannot be.
    """
    program = stack.plan.model.latest
    program = program.step if isinstance(program, RunsLast) else program
    if not isinstance(program, Program):
        raise NotCompiledError("they hold what torch computes as a whole")
    saved = steps * saved_by_step(len(program.done), stack.weights.numel())
    if not always and saved < LOOKED:
        return None
    try:
        update = update_of(stack.optimizer, stack.plan.schedules.numbers, stack.weights)
        source = source_of(program, update, _capability())
        compilation = Compilation(source.text)
    except NotWritableError as err:
        raise NotCompiledError(f"they hold {err}") from err
    except CompilerError as err:
        raise NotCompiledError(str(err)) from err
    worth_while = always or compilation.found() or compilation.wanted(saved) >= COMPILED
    return Form(source, StepNumbers(update), compilation) if worth_while else None


def refuse_other_stacks(stack: Stacked) -> None:
    """Of which no step is ever compiled.

    Raises:
        NotCompiledError: saying why.
    """
    plan, table = stack.plan, stack.plan.batches.table
    trainers = [config.trainer for config in stack.configs]
    clipped = any((one.gradient_clip, one.gradient_clip_value) != (None, None) for one in trainers)
    accumulated = stack.configs[0].trainer.accumulate > 1
    typed = table.x.dtype == torch.float32 and table.y.dtype in TYPES
    dense = table.x.is_contiguous() and table.y.is_contiguous()
    for wrong, why in (
        (plan.device.type != "cpu", f"the device is {plan.device.type}"),
        (plan.threads != 1, f"a stack computes in {plan.threads} threads"),
        (not plan.model.traced or stack.buffers, "the model is more than layers and activations"),
        (len(plan.layout.groups) > 1, "parameters are in groups with numbers of their own"),
        (clipped, "gradients are clipped"),
        (accumulated, "an update takes the gradients of several batches"),
        (plan.first.head.preprocessing.weight is not None, "the loss weighs rows"),
        (plan.first.head.weighs_rows, "the loss weighs classes"),
        (not typed, "the rows are of another type"),
        (not dense, "the rows have gaps between them"),
        (_capability() not in WIDTHS, "torch has no kernels for this processor's registers"),
    ):
        if wrong:
            raise NotCompiledError(why)


def _capability() -> str:
    return torch.backends.cpu.get_cpu_capability()
