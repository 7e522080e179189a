"""A stack that is ready to start: what its runs share is built once, their weights side by side."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seedbed.config.schema import RunConfig
from seedbed.data.prepared import PreparedData
from seedbed.fused.flat import Layout, Named
from seedbed.fused.function_of_weights import FunctionOfWeights
from seedbed.fused.kept_state import KeptState
from seedbed.fused.optimizers import BATCHED
from seedbed.fused.rows import StackedBatches, StackedRows
from seedbed.fused.schedules import Schedules
from seedbed.fused.step import StackedModel
from seedbed.models.copies import copied_model
from seedbed.tasks.head import TaskHead
from seedbed.training.pure import is_pure
from seedbed.training.run_components import RunComponents

if TYPE_CHECKING:
    from seedbed.training.starting_point import StartingPoint

NARROWEST = 2
"""Runs; a stack of one would be computed by other kernels, and give other bits."""

SERIAL_COPY = 2**14
"""Values; torch copies longer tensors in threads."""


@dataclass
class StackComponents:
    """The built parts of a stack.

    Args:
        configs: of each run; a stack of one has its run twice.
        first: the first run, built as a single one.
        layout: where each parameter lies in a row of weights.
        model: the network, as a function of the weights.
        weights: starting ones, (runs, width).
        buffers: and parameters that are not trained, each (runs, …).
        data: of each run, with its own preprocessing.
        heads: of each run.
        batches: of the training rows.
        splits: rows that are only measured, by name.
        schedules: the optimizers' numbers.
        points: what each run starts from.
    """

    configs: list[RunConfig]
    first: RunComponents
    layout: Layout
    model: StackedModel
    weights: Tensor
    buffers: Named
    data: list[PreparedData]
    heads: list[TaskHead]
    batches: StackedBatches
    splits: dict[str, StackedRows]
    schedules: Schedules
    points: "list[StartingPoint | None]"

    @property
    def device(self) -> torch.device:
        """Where the stack is trained."""
        return self.first.device

    @property
    def threads(self) -> int:
        """Of the CPU: one, unless the user asks for more; an accelerator's work is torch's."""
        on_cpu = self.device.type == "cpu"
        return self.configs[0].trainer.threads or (1 if on_cpu else torch.get_num_threads())

    def optimizer(self) -> KeptState:
        """One that has made no step yet."""
        settings = self.configs[0].optimizer
        columns = self.layout.columns
        placed = None if columns is None else columns.to(self.device)
        return BATCHED[settings["_target_"]](settings, placed)

    @property
    def may_fork(self) -> bool:
        """Whether a fork may read the weights.

        It cannot ask an accelerator for them, and torch copies long ones in threads, which a fork
        does not have.
        """
        return self.device.type == "cpu" and self.layout.width < SERIAL_COPY

    @property
    def are_alike(self) -> bool:
        """Whether other runs of the group can differ from these in numbers alone."""
        return len({id(one) for one in self.data}) == 1 and is_pure(self.first.model)

    def untouched_model(self, *, written_out: bool = False) -> StackedModel:
        """The network for a trial, see `StackedModel`; a module of the user's may count calls."""
        return model_of_runs(self.first, self.layout, written_out=written_out)


def model_of_runs(
    first: RunComponents,
    layout: Layout,
    *,
    precision: torch.dtype | None = None,
    written_out: bool = True,
) -> StackedModel:
    """The network of the first run as that of all.

    Args:
        first: that run.
        layout: as `StackedModel` takes it.
        precision: of matrix products, as `FunctionOfWeights` takes it.
        written_out: as `StackedModel` takes it.
    """
    run = FunctionOfWeights(
        copied_model(first.model), first.head, precision, first.data.packing, first.step
    )
    return StackedModel(
        run,
        layout,
        first.config.sweep.randomness,
        written_out=written_out,
        frozen_eval=first.config.init.frozen_eval,
    )
