"""The loss and the metrics of every run of a stack over a part of the data.

The rows are cut as for a run on its own, since a layer may look at them together; what does not fit
into memory at once is evaluated some runs at a time.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.fused.flat import Named
from seedbed.fused.plan import NARROWEST, StackPlan
from seedbed.fused.rows import Table
from seedbed.tasks.head import TaskHead, metrics_of_runs

EVALUATED_NUMBERS = 2**22
"""Inputs and outputs of so many numbers are evaluated at once, over all runs."""

Column = NDArray[np.float64]


def evaluated(
    plan: StackPlan,
    heads: list[TaskHead],
    table: Table,
    piece: int,
    weights: Tensor,
    kept: Named,
) -> dict[str, Column]:
    """What `Engine.evaluate` gives, for each run.

    Args:
        plan: of the stack.
        heads: of each run.
        table: the rows of each run.
        piece: rows that go through the model together.
        weights: of each run.
        kept: buffers of each run.

    Shape:
        weights (runs, width), kept each (runs, …) -> each (runs,)
    """
    runs = torch.arange(len(weights), device=weights.device)
    found = []
    for some in runs.tensor_split(_groups(len(weights), _numbers(table, piece, heads[0]))):
        part = slice(int(some[0]), int(some[-1]) + 1)
        own = {name: tensor[part] for name, tensor in kept.items()}
        found.append(_of_some(plan, heads[part], table.keep(some), piece, weights[part], own))
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def _numbers(table: Table, piece: int, head: TaskHead) -> int:
    """That one run needs at once: a piece of its rows, and all of its outputs and targets."""
    targets = table.y[0].numel() + head.outputs
    return piece * table.x[0].numel() + table.rows * targets


def _groups(runs: int, numbers: int) -> int:
    """Into how many groups the runs are cut; one run alone would be computed by other kernels."""
    needed = math.ceil(runs * numbers / EVALUATED_NUMBERS)
    return max(1, min(needed, runs // NARROWEST))


def _of_some(
    plan: StackPlan,
    heads: list[TaskHead],
    table: Table,
    piece: int,
    weights: Tensor,
    kept: Named,
) -> dict[str, Column]:
    outputs, targets = [], []
    with torch.no_grad():
        for rows in torch.arange(table.rows, device=table.x.device).split(piece):
            x, y = table.rows_of_all(rows, len(weights))
            outputs.append(plan.model.outputs(weights, kept, x))
            targets.append(y)
        output, y = torch.cat(outputs, 1), torch.cat(targets, 1)
        metrics = metrics_of_runs(heads, output, y)
        told = {"loss": plan.model.losses(output, y).double(), **metrics}
    return {name: values.cpu().numpy() for name, values in told.items()}
