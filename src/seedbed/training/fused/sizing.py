"""Whether runs can be stacked, how many at a time, and whether that is faster: by trying."""

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.models.build import output_of
from seedbed.training.fused.plan import NARROWEST, StackPlan
from seedbed.training.fused.step import StackedModel
from seedbed.training.objective import Objective

MOST_RUNS = 2048
"""In one stack; beyond it a step takes as many times longer as there are more runs."""

MOST_BYTES = 768 * 2**20
"""That a stack may take on the CPU; less where less is free."""

COPIES = 12
"""Of the weights: gradients, the optimizer's state, the best epoch's, and what a step makes."""

MEASURED_SECONDS, FEWEST_ATTEMPTS, MOST_ATTEMPTS = 0.02, 3, 12
"""A step is tried for so long, but so often at least and at most."""

CLEARLY = 4.0
"""Times as fast as one by one; then no smaller stack is tried."""

AGREEMENT = 1e-3
"""Relative difference between a stacked gradient and the run's own that rounding may make."""


@dataclass(frozen=True)
class Width:
    """How many runs are stacked.

    Args:
        runs: at a time.
        single: seconds that one run's forward and backward take alone.
        stacked: seconds for each run in the stack.
    """

    runs: int
    single: float
    stacked: float

    @property
    def pays(self) -> bool:
        """Whether stacking is faster than one by one."""
        return self.stacked < self.single


def refused_by_vmap(plan: StackPlan) -> str | None:
    """Why the model cannot be stacked, found by a step of two runs; None if it can.

    Args:
        plan: of two runs or more; its weights are not changed.
    """
    if plan.layout.strange:
        return f"its state_dict holds '{plan.layout.strange[0]}', which is no weight and no buffer"
    for name, one in plan.first.model.named_parameters():
        if one.requires_grad and one.dtype != plan.weights.dtype:
            return f"{name} is {one.dtype}"
    two = slice(0, NARROWEST)
    x, y = next(plan.batches.epoch(0))
    weights = plan.weights[two]
    kept = {name: tensor[two] for name, tensor in plan.kept.items()}
    model = _fresh(plan)
    try:
        found, _, _ = model.gradient(weights, kept, x[two], y[two])
        model.outputs(weights, kept, x[two])
    except Exception as err:  # of any kind: the model may be the user's
        return _reason(err)
    named = plan.layout.views(weights)
    for place in range(NARROWEST):
        own_weights = {name: tensor[place] for name, tensor in {**named, **kept}.items()}
        gradients = _own_gradients(plan, own_weights, x[place], y[place])
        unused = [name for name, gradient in gradients.items() if gradient is None]
        if unused:  # torch.optim leaves it as it is; a row of weights decays as a whole
            return f"the loss does not depend on {unused[0]}"
        own = plan.layout.row(gradients)
        scale = max(float(own.abs().max()), 1e-6)
        close = float((found[place] - own).abs().max()) <= AGREEMENT * scale
        if not close and plan.model.randomness == "error":  # otherwise no two masks are alike
            return "stacked, its gradients are others"
    return None


def widest(plan: StackPlan, runs: int) -> int:
    """How many of `runs` fit into memory at once.

    Args:
        plan: of the first two.
        runs: all that could be stacked.
    """
    x, y = next(plan.batches.epoch(0))
    values = _values_in_forward(plan.first.model, x[0])
    own_rows = 0
    if len({id(one) for one in plan.data}) > 1:
        own_rows = plan.batches.table.rows * plan.batches.table.row_bytes
    epochs = max(config.trainer.epochs for config in plan.configs)
    kept = sum(tensor[0].nbytes for tensor in plan.kept.values())
    bytes_each = (
        COPIES * (4 * plan.layout.width + kept)
        + 3 * 4 * values
        + 4 * (x[0].nbytes + y[0].nbytes)
        + own_rows
        + 8 * epochs * (len(plan.metric_names) + 2)
    )
    most = max(NARROWEST, int(_free_bytes(plan.device) // bytes_each))
    stacks = math.ceil(runs / min(most, MOST_RUNS))
    return math.ceil(runs / stacks)


def measured_width(plan: StackPlan, runs: int) -> Width:
    """The number of runs at a time that trains most of them a second.

    Args:
        plan: of as many runs as fit.
        runs: of these.
    """
    x, y = next(plan.batches.epoch(0))
    model = _fresh(plan)
    own = copy.deepcopy(plan.first.model)
    single = _seconds(
        lambda: _plain_step(own, plan.first.engine.objective, x[0], y[0]), plan.device
    )
    best = Width(runs, single, math.inf)
    width = runs
    while width >= NARROWEST or width == runs:
        part = slice(0, max(width, NARROWEST))
        weights = plan.weights[part]
        kept = {name: tensor[part] for name, tensor in plan.kept.items()}
        step = _seconds(
            lambda weights=weights, kept=kept, part=part: model.gradient(  # type: ignore[misc]
                weights, kept, x[part], y[part]
            ),
            plan.device,
        )
        if step / width < best.stacked * 0.9:  # of two alike, the larger
            best = Width(width, single, step / width)
        if best.stacked * CLEARLY < single:
            break
        width //= 4
    return best


def _fresh(plan: StackPlan) -> StackedModel:
    """One that has not been called: a module of the user's may count its calls."""
    objective, randomness = plan.first.engine.objective, plan.model.randomness
    return StackedModel(plan.first.model, plan.layout, objective, randomness, 0)


def _seconds(step: Callable[[], object], device: torch.device) -> float:
    """The best of a few; the first is left out, as it loads what is loaded once."""
    best, until = math.inf, time.perf_counter() + MEASURED_SECONDS
    for attempt in range(MOST_ATTEMPTS):
        began = time.perf_counter()
        if attempt >= FEWEST_ATTEMPTS and began > until:
            break
        step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if attempt:
            best = min(best, time.perf_counter() - began)
    return best


def _plain_step(model: nn.Module, objective: Objective, x: Tensor, y: Tensor) -> None:
    objective.loss(output_of(model(x)), y).backward()


def _own_gradients(plan: StackPlan, weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Any:
    """By name; None where the loss does not depend on it."""
    model = copy.deepcopy(plan.first.model).train()
    named = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for name, tensor in weights.items():
            named[name].copy_(tensor)
    _plain_step(model, plan.first.engine.objective, x, y)
    return {name: named[name].grad for name in plan.layout.learnt}


def _values_in_forward(model: nn.Module, x: Tensor) -> int:
    """How many numbers a batch leaves behind for the backward pass, about."""
    count = 0

    def add(module: nn.Module, inputs: object, output: object) -> None:
        nonlocal count
        tensors = output if isinstance(output, tuple | list) else (output,)
        count += sum(one.numel() for one in tensors if isinstance(one, Tensor))

    watched = copy.deepcopy(model)
    for module in watched.modules():
        module.register_forward_hook(add)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        watched(x)
    return count


def _free_bytes(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0]) / 2
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return MOST_BYTES
    return min(MOST_BYTES, free / 3)


def _reason(err: Exception) -> str:
    text = " ".join(str(err).split())
    if "random" in text and "vmap" in text:
        return "it draws at random, as dropout does; sweep.allow_random=true fuses it"
    if "control flow" in text or ".item()" in text:
        return "forward branches on data"
    return f"vmap does not take it ({type(err).__name__}: {text[:100]})"
