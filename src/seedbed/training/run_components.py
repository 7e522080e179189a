"""A run that is ready to start: everything built, and one batch tried through it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.data.batches import Batches
from seedbed.data.prepared import PreparedData
from seedbed.data.row_loader import RowLoader
from seedbed.tasks.head import TaskHead
from seedbed.training.accumulation import updates_of
from seedbed.training.history_columns import names_of_step, training_columns, validation_columns
from seedbed.training.own_callback import OwnCallback
from seedbed.training.own_step import OwnStep
from seedbed.training.schedule import Schedule
from seedbed.training.state import Monitor
from seedbed.training.threads import OWN_STEP, threads_for


@dataclass(frozen=True)
class RunComponents:
    """The built parts of one run.

    Args:
        config: checked.
        data: read, split and fitted.
        device: where it computes.
        mixed_precision: the type for matrix products, or None for float32.
        model: on the device, with its starting weights until the run starts.
        head: the loss, and the form of outputs and targets.
        optimizer: of the model's parameters.
        schedule: of its learning rate.
        train: batches that are learnt from.
        splits: batches that are only measured, by name: validation, test.
        monitor: what decides the best epoch.
        reader: of rows that come through a DataLoader.
        notes: what the user is told of the data and the config.
        multiplications: in the forward pass of a batch.
        ranks: processes that share each batch; this is one of them.
        step: of the user's own, that makes the loss of a batch; None for the head's.
        callbacks: of the user's own.
    """

    config: RunConfig
    data: PreparedData
    device: torch.device
    mixed_precision: torch.dtype | None
    model: nn.Module
    head: TaskHead
    optimizer: Optimizer
    schedule: Schedule
    train: Batches
    splits: Mapping[str, Batches]
    monitor: Monitor
    reader: RowLoader
    notes: Sequence[str] = ()
    multiplications: int = 0
    ranks: int = 1
    step: OwnStep | None = None
    callbacks: Sequence[OwnCallback] = ()

    @property
    def packages(self) -> Sequence[str]:
        """The user's own, whose classes may be named by the config or the environment's word."""
        return AllowList(self.config.allow).packages

    @property
    def updates(self) -> int:
        """Of the weights in an epoch."""
        return updates_of(len(self.train), self.config.trainer.accumulate)

    @property
    def threads(self) -> int:
        """Of the CPU."""
        worth = self.multiplications if self.device.type == "cpu" else OWN_STEP
        return threads_for(self.config.trainer, worth // self.ranks, self.ranks)

    @property
    def parameters(self) -> int:
        """Number of trainable values."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    @property
    def metric_names(self) -> list[str]:
        """The columns of losses and metrics in the history, in order."""
        held_out = validation_columns(self.config, self.data, self.head.chosen, self.step)
        return [*training_columns(self.step), *held_out]

    @property
    def step_names(self) -> Sequence[str]:
        """What a step of the user's own gives beside the loss."""
        return names_of_step(self.step)
