"""Whether the runs of a group can be stacked, found by a step of two of them."""

import copy
from typing import Any

import torch
from torch import Tensor

from seedbed.training.fused.plan import NARROWEST, StackPlan
from seedbed.training.fused.step import single_step

AGREEMENT = 1e-3
"""Relative difference between a stacked gradient and the run's own that rounding may make."""


WRITES_INTO_BATCH = "its forward or its loss writes into the batch that it is given"


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
    x, y = (one[two].clone() for one in next(plan.batches.epoch(0)))
    given = x.clone(), y.clone()
    weights = plan.weights[two]
    kept = {name: tensor[two] for name, tensor in plan.kept.items()}
    model = plan.untouched_model()
    try:
        found, _, _ = model.gradient(weights, kept, x, y)
        model.outputs(weights, kept, x)
    except Exception as err:  # of any kind: the model may be the user's
        return _reason(err)
    if not (torch.equal(x, given[0]) and torch.equal(y, given[1])):
        return WRITES_INTO_BATCH  # that runs may share
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


def _own_gradients(plan: StackPlan, weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Any:
    """By name; None where the loss does not depend on it."""
    model = copy.deepcopy(plan.first.model).train()
    named = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for name, tensor in weights.items():
            named[name].copy_(tensor)
    single_step(model, plan.first.engine.objective, x, y)
    return {name: named[name].grad for name in plan.layout.learnt}


def _reason(err: Exception) -> str:
    text = " ".join(str(err).split())
    if "random" in text and "vmap" in text:
        return "it draws at random, as dropout does; sweep.allow_random=true fuses it"
    if "control flow" in text or ".item()" in text:
        return "forward branches on data"
    return f"vmap does not take it ({type(err).__name__}: {text[:100]})"
