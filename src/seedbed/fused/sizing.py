"""How many runs are stacked at a time, and whether that is faster: by trying."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from seedbed.fused.single_step import called_alone, single_step, unpacked
from seedbed.fused.stack_components import NARROWEST, StackComponents
from seedbed.process.memory import free_memory_bytes
from seedbed.training.run_components import RunComponents
from seedbed.training.threads import using

MOST_RUNS = 2048
"""In one stack; beyond it a step takes as many times longer as there are more runs."""

MOST_BYTES = 768 * 2**20
"""That a stack may take on the CPU; less where less is free."""

COPIES = 12
"""Of the weights: gradients, the optimizer's state, the best epoch's, and what a step makes."""

MEASURED_SECONDS, FEWEST_ATTEMPTS, MOST_ATTEMPTS = 0.02, 3, 12
"""A step is tried for so long, but so often at least and at most."""

STEP, PRODUCT, VALUE, FILES = 3e-7, 1.5e-10, 1e-9, 1e-3
"""Seconds of a run's share of a step, of each multiplication in it, of each trainable value in it,
and of a run's files; measured on a core with AVX-512. The split of a sweep depends on these and on
no clock, so that it is the same each time; a factor of two changes little."""

PROCESS = 0.05
"""Seconds until a process trains a stack: its fork, and the parts that it builds."""

OPERATION, MOVED = 5e-6, 2e-9
"""Seconds of a step that a compiled one saves: of each operation, which Python need not call, and
of each weight, which is near when it is read again."""

LOOKED, COMPILED = 0.01, 0.25
"""Seconds that it takes to look for a compiled step, and to compile one beside the training."""

CLEARLY = 4.0
"""Times as fast as one by one; then no smaller stack is tried."""


@dataclass(frozen=True)
class StackSize:
    """How many runs are stacked.

    Args:
        runs: at a time.
        single: seconds that a step of one run takes alone.
        stacked: seconds for each run in the stack.
    """

    runs: int
    single: float
    stacked: float

    @property
    def pays(self) -> bool:
        """Whether stacking is faster than one by one."""
        return self.stacked < self.single


def run_bytes(plan: StackComponents) -> int:
    """Memory that each run of a stack takes, about."""
    x, y = next(plan.batches.epoch(0))
    values = _values_in_forward(plan.first, x[0], y[0])
    own_rows = 0
    if len({id(one) for one in plan.data}) > 1:
        own_rows = plan.batches.table.held_bytes
    epochs = max(config.trainer.epochs for config in plan.configs)
    kept = sum(tensor[0].nbytes for tensor in plan.buffers.values())
    return (
        COPIES * (4 * plan.layout.width + kept)
        + 3 * 4 * values
        + 4 * (x[0].nbytes + y[0].nbytes)
        + own_rows
        + 8 * epochs * (len(plan.first.metric_names) + 2)
    )


def most_runs(plan: StackComponents) -> int:
    """How many runs fit into memory at once, in one stack."""
    fit = int(_free_bytes(plan.device) // run_bytes(plan))
    return max(NARROWEST, min(fit, MOST_RUNS))


def width(most: int, runs: int, parts: int) -> int:
    """How many runs are stacked at a time, so that all stacks are about equally wide.

    Args:
        most: that are.
        runs: all that could be stacked.
        parts: the number of stacks is a multiple of it, if that leaves none too narrow.
    """
    stacks = math.ceil(runs / most)
    stacks = min(math.ceil(stacks / parts) * parts, max(1, runs // NARROWEST))
    return min(most, math.ceil(runs / stacks))


def seconds_each(plan: StackComponents, epochs: int) -> float:
    """What a run of a stack takes of a core, about, on any machine: told from its work alone.

    Args:
        plan: of the first two.
        epochs: of the run that has the most.
    """
    first = plan.first
    step = STEP + PRODUCT * first.multiplications + VALUE * plan.layout.width
    return FILES + epochs * plan.batches.batches * step


def parts_for(runs: int, seconds: float, at_once: int) -> int:
    """Into how many stacks runs are split that one stack could take.

    Each has a process, which takes a while to start; from then on the stacks share out the rest.
    With p of them that is p * PROCESS + runs * seconds / p, the least at the root of the quotient.

    Args:
        runs: of one form.
        seconds: that each takes, as `seconds_each` tells.
        at_once: stacks that the cores take.
    """
    best = math.isqrt(int(runs * seconds / PROCESS))
    return max(1, min(best, at_once, runs // NARROWEST))


def saved_by_step(operations: int, weights: int) -> float:
    """Seconds of a step that a compiled one saves, about, on any machine.

    Args:
        operations: that torch is called for.
        weights: of all runs.
    """
    return OPERATION * operations + MOVED * weights


def measured_width(plan: StackComponents, runs: int) -> StackSize:
    """The number of runs at a time that trains most of them a second.

    Args:
        plan: of as many runs as fit.
        runs: of these.
    """
    trial = _Trial(plan)
    best = StackSize(runs, trial.single(), math.inf)
    width = runs
    while width >= NARROWEST or width == runs:
        kept = plan.layout.runs_last
        stacked = trial.stacked(width, written_out=kept) / width
        if plan.model.traced and not kept and stacked * CLEARLY >= best.single:
            stacked = min(stacked, trial.stacked(width, written_out=True) / width)
        if stacked < best.stacked * 0.9:  # of two alike, the larger
            best = replace(best, runs=width, stacked=stacked)
        if best.stacked * CLEARLY < best.single:
            break
        width //= 4
    return best


class _Trial:
    """Steps of training that leave the plan as it is.

    Args:
        plan: of as many runs as fit.
    """

    def __init__(self, plan: StackComponents) -> None:
        self.plan = plan
        self.x, self.y = next(plan.batches.epoch(0))

    def single(self) -> float:
        """Seconds that one run takes for a step on its own.

        Its update is that of a stack of one: torch's own would bring torch's compiler, a second's
        work.
        """
        first, x, y = self.plan.first, self.x[0], self.y[0]
        model = copy.deepcopy(first.model)
        update, gradient = self._update(slice(0, 1)), self.plan.weights[:1]

        def step() -> None:
            single_step(first, model, x, y)
            update(gradient)

        with using(first.threads):
            return _seconds(step, self.plan.device)

    def stacked(self, width: int, *, written_out: bool = False) -> float:
        """Seconds that so many runs take for a step together.

        Args:
            width: runs.
            written_out: whether the step is.
        """
        part = slice(0, max(width, NARROWEST))
        update = self._update(part)
        model = self.plan.model
        if not self.plan.layout.runs_last:  # else it keeps what is written out, for the training
            model = self.plan.untouched_model(written_out=written_out)
        weights, x, y = self.plan.weights[part], self.x[part], self.y[part]
        kept = {name: tensor[part] for name, tensor in self.plan.buffers.items()}

        def step() -> None:
            gradient, _, _ = model.gradient(weights, kept, x, y)
            update(gradient)

        with using(self.plan.threads):
            return _seconds(step, self.plan.device)

    def _update(self, part: slice) -> Callable[[Tensor], None]:
        """The optimizer's step, of a copy of the weights."""
        optimizer = self.plan.optimizer()
        weights = self.plan.layout.arranged(self.plan.weights[part].clone())
        numbers = {name: one[part] for name, one in self.plan.schedules.numbers.items()}

        def update(gradient: Tensor) -> None:
            with torch.no_grad():
                optimizer.step(weights, gradient, numbers)

        return update


def _seconds(step: Callable[[], object], device: torch.device) -> float:
    """The best of a few; the first is left out, as it loads what is loaded once."""
    best, until = math.inf, math.inf
    for attempt in range(MOST_ATTEMPTS):
        began = time.perf_counter()
        if attempt == 1:
            until = began + MEASURED_SECONDS
        if attempt >= FEWEST_ATTEMPTS and began > until:
            break
        step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if attempt:
            best = min(best, time.perf_counter() - began)
    return best


def _values_in_forward(first: RunComponents, x: Tensor, y: Tensor) -> int:
    """How many numbers a batch leaves behind for the backward pass, about."""
    count, packing = 0, first.data.packing

    def add(module: nn.Module, inputs: object, output: object) -> None:
        nonlocal count
        tensors = output if isinstance(output, tuple | list) else (output,)
        count += sum(one.numel() for one in tensors if isinstance(one, Tensor))

    watched = copy.deepcopy(first.model)
    for module in watched.modules():
        module.register_forward_hook(add)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        if first.step is None:
            called_alone(watched, x, packing)
        else:
            first.step(watched, unpacked(x.clone(), packing), y.clone())
    return count


def _free_bytes(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0]) / 2
    return min(MOST_BYTES, free_memory_bytes() / 3)
