"""The loss and the metrics of every run of a stack over a split.

The rows are cut as for a run on its own, since a layer may look at them together; what does not fit
into memory at once is evaluated some runs at a time.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seedbed.data.seeds import stream_seed
from seedbed.fused.flat import Named
from seedbed.fused.rows import StackedRows
from seedbed.fused.stack_components import NARROWEST, StackComponents
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metric_values import metrics_of_runs
from seedbed.training.arrays import Column
from seedbed.training.epoch_means import OfTask, over_steps
from seedbed.training.evaluation import over_pieces

EVALUATED_NUMBERS = 2**22
"""Inputs and outputs of so many numbers are evaluated at once, over all runs."""


def evaluated(
    plan: StackComponents,
    heads: list[TaskHead],
    table: StackedRows,
    piece: int,
    weights: Tensor,
    buffers: Named,
) -> dict[str, Column]:
    """What `SingleEngine.evaluate` gives, for each run.

    Args:
        plan: of the stack.
        heads: of each run.
        table: the rows of each run.
        piece: rows that go through the model together.
        weights: of each run.
        buffers: of each run.

    Shape:
        weights (runs, num_params), buffers each (runs, …) -> each (runs,)
    """
    runs = torch.arange(len(weights), device=weights.device)
    found = []
    for some in runs.tensor_split(_groups(len(weights), _numbers(table, piece, heads[0]))):
        part = slice(int(some[0]), int(some[-1]) + 1)
        own = {name: tensor[part] for name, tensor in buffers.items()}
        at_once = _Runs(plan, heads[part], table.keep(some), piece, weights[part], own)
        found.append(at_once.measured())
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def _numbers(table: StackedRows, piece: int, head: TaskHead) -> int:
    """That one run needs at once: a piece of its rows, and all of its outputs and targets."""
    targets = table.y[0].numel() + head.outputs
    return piece * table.x[0].numel() + table.rows * targets


def _groups(runs: int, numbers: int) -> int:
    """Into how many groups the runs are cut; one run alone would be computed by other kernels."""
    needed = math.ceil(runs * numbers / EVALUATED_NUMBERS)
    return max(1, min(needed, runs // NARROWEST))


@dataclass(frozen=True)
class _Runs:
    """Runs that are evaluated at once; as `evaluated` takes them."""

    plan: StackComponents
    heads: list[TaskHead]
    table: StackedRows
    piece: int
    weights: Tensor
    buffers: Named

    def measured(self) -> dict[str, Column]:
        """The loss and the metrics of each."""
        with self.plan.first.head.measuring():
            return self._by_outputs() if self.plan.first.step is None else self._by_steps()

    def _outputs(self, x: Tensor) -> Tensor:
        return self.plan.model.outputs(self.weights, self.buffers, x)

    def _by_outputs(self) -> dict[str, Column]:
        measured = over_pieces(
            self.table.pieces(self.piece),
            self._outputs,
            lambda output, y: self.plan.model.losses(output, y).double(),
            lambda output, y: metrics_of_runs(self.heads, output, y),
            rows_dim=1,
        )
        return {name: values.cpu().numpy() for name, values in measured.items()}

    def _by_steps(self) -> dict[str, Column]:
        """What a step of the user's own gives, and the task's metrics where they fit."""
        outputs: list[Tensor] = []
        targets: list[Tensor] = []

        def add(x: Tensor, y: Tensor) -> None:
            outputs.append(self._outputs(x).clone())
            targets.append(y.clone())

        def metrics() -> dict[str, Tensor]:
            return metrics_of_runs(self.heads, torch.cat(outputs, 1), torch.cat(targets, 1))

        found = over_steps(
            self.table.pieces(self.piece),
            lambda x, y: self.plan.model.measured(self.weights, self.buffers, x, y),
            lambda y: self.heads[0].batch_weight(y, stacked=True),
            OfTask(add, metrics) if self.heads[0].has_metrics else None,
            stream_seed(self.plan.first.config.seed, "evaluation"),
        )
        return {name: np.asarray(one, dtype=np.float64) for name, one in found.items()}
