"""The step of networks so small that a product is less work than a call: the runs lie inside.

Memory is laid out with the runs last, so that a kernel goes along them in one go, and products are
sums of a few multiplications. The runs are filled up to whole registers with such that have zeros
everywhere; so each run is computed alike, in whatever slot.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from seedbed.fused.lanes import LANES, inside
from seedbed.fused.operations import aten
from seedbed.fused.program import Program
from seedbed.fused.rewriting import RULES, faster, is_turned_later, product
from seedbed.fused.tracing import Function, recorded
from seedbed.fused.values import Value
from seedbed.models.activations import ACTIVATIONS
from seedbed.models.custom import CustomMLP
from seedbed.models.manual import ManualMLP
from seedbed.models.sequential import SequentialMLP
from seedbed.training.pure import is_pure

MOST_WORK = 2**10
"""Parameters times rows of a batch, from which on products by MKL take less."""

LONGEST_CHAIN = 3
"""Terms that are added one after the other; more are multiplied at once and summed up."""

LAYERS = (CustomMLP, ManualMLP, SequentialMLP, nn.Sequential, nn.Linear)
LOSSES = (nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss)


def is_small(model: nn.Module, loss: nn.Module, rows: int) -> bool:
    """Whether a stack of such models has its runs last.

    It depends on the run alone: its bits do.

    Args:
        model: of a run.
        loss: of a run.
        rows: of a batch.
    """
    known = (*LAYERS, *ACTIVATIONS.values())
    parameters = sum(one.numel() for one in model.parameters())
    return (
        parameters > 1
        and parameters * rows <= MOST_WORK
        and is_pure(model)
        and type(loss) in LOSSES
        and all(type(one) in known for one in model.modules())
    )


class RunsLast:
    """A step of many small runs.

    Args:
        step: of tensors, as `recorded` takes it; gives gradients and losses.
        tensors: arguments.

    Raises:
        NotRecordableError: as `recorded` does.
    """

    def __init__(self, step: Function, tensors: Sequence[Tensor]) -> None:
        runs = len(tensors[0])
        filled = math.ceil(runs / (2 * LANES)) * 2 * LANES
        self.given = [inside(one.new_zeros(filled, *one.shape[1:])) for one in tensors]
        self.own = [one[:runs] for one in self.given]
        self.gradient = inside(torch.zeros_like(tensors[0]))
        self._take(tensors)
        written = recorded(step, self.given)
        self.step = faster(written, self.given, keeps=True, runs_last=True, rules=BY_HAND)

    def __call__(self, *tensors: Tensor) -> list[Tensor]:
        """Gradients, which the next call writes over, and losses."""
        self._take(tensors)
        gradient, losses = self.step(*self.given)
        self.gradient.copy_(gradient[: len(self.gradient)])
        return [self.gradient, losses[: len(self.gradient)]]

    def _take(self, tensors: Sequence[Tensor]) -> None:
        for mine, theirs in zip(self.own, tensors, strict=True):
            mine.copy_(theirs)


def product_by_hand(program: Program, node: fx.Node, args: Any) -> Any:
    """A product as a sum of multiplications, each of all runs at once."""
    if node.target is not aten.bmm.default:
        return None
    left, right = args
    shape = (*left.tensor.shape[:2], right.tensor.shape[2])
    out = inside(left.tensor.new_zeros(shape))
    if is_turned_later(node):
        out = inside(out.transpose(1, 2)).transpose(1, 2)
    inner = left.tensor.shape[2]
    if inner > LONGEST_CHAIN:
        terms = inside(left.tensor.new_zeros(*shape[:2], inner, shape[2]))
        factors = [program.view(torch.unsqueeze, left, 3), program.view(torch.unsqueeze, right, 1)]
        every = program.into(terms, torch.mul, factors, {"out": terms})
        return program.into(out, torch.sum, [every, 2], {"out": out})
    for term in range(inner):
        pair = [
            program.view(torch.narrow, left, 2, term, 1),
            program.view(torch.narrow, right, 1, term, 1),
        ]
        if term == 0:
            value = program.into(out, torch.mul, pair, {"out": out})
        else:
            program.into(out, torch.addcmul, [value, *pair], {"out": out})
    return value


def constant_inside(program: Program, node: fx.Node, args: Any) -> Any:
    """Constants lie as all else does."""
    for rule in RULES[:2]:
        found = rule(program, node, args)
        if isinstance(found, Value) and found.constant and isinstance(found.tensor, Tensor):
            return Value(inside(found.tensor), constant=True) if found.tensor.ndim else found
        if found is not None:
            return found
    return None


BY_HAND = tuple(
    {product: product_by_hand, RULES[1]: constant_inside}.get(rule, rule) for rule in RULES
)
