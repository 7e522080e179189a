"""The parts of a run that the config and its data decide, each tried by itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import nn

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.data.batches import Batches, training_batches
from seedbed.data.prepared import PreparedData
from seedbed.data.row_loader import RowLoader
from seedbed.errors import Attempts
from seedbed.tasks.build_head import build_task_head
from seedbed.tasks.chosen_metrics import chosen_metrics
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metrics import Metric
from seedbed.training.built_callbacks import build_callbacks
from seedbed.training.compiling import refuse_uncompilable
from seedbed.training.device import mixed_precision, resolved_device
from seedbed.training.own_callback import OwnCallback
from seedbed.training.own_step import OwnStep, build_step
from seedbed.training.rank_count import device_of_rank, rank_count, refuse_unshared
from seedbed.training.starting_model import fresh_model


class Machine(NamedTuple):
    """What computes."""

    device: torch.device
    ranks: int
    mixed_precision: torch.dtype | None


def machine_of(config: RunConfig, tried: Attempts) -> Machine:
    """The device and the ranks that a config asks for; those of one process where it cannot."""
    trainer = config.trainer
    device = tried(resolved_device, trainer.device) or torch.device("cpu")
    device = tried(device_of_rank, device, trainer) or device
    ranks = tried(rank_count, trainer, device) or 1
    return Machine(device, ranks, tried(mixed_precision, trainer.precision, device))


class RunParts(NamedTuple):
    """What the config and the data alone decide; None for what could not be built.

    Args:
        metrics: that the config names; None without such, too.
        train: batches that are learnt from.
        head: the loss, and the form of outputs and targets.
        step: of the user's own; None without one, too.
        callbacks: likewise.
        model: as its seed draws it.
    """

    metrics: Sequence[Metric] | None
    train: Batches | None
    head: TaskHead | None
    step: OwnStep | None
    callbacks: Sequence[OwnCallback] | None
    model: nn.Module | None


def parts_of(
    config: RunConfig,
    allow: AllowList,
    machine: Machine,
    data: PreparedData,
    reader: RowLoader,
    tried: Attempts,
) -> RunParts:
    """Builds the parts, and keeps in `tried` what is wrong with each.

    Args:
        config: checked.
        allow: what it may name.
        machine: what computes.
        data: read, split and fitted.
        reader: of rows that come through a DataLoader.
        tried: what was tried before.
    """
    form, has_step = data.preprocessing, config.own_step is not None
    metrics = tried(chosen_metrics, config.metrics, config.loss["_target_"], allow, form)
    train = _training_batches(config, machine, data, reader, tried)
    head = tried(build_task_head, config.loss, allow, form, has_own_step=has_step)
    head = replace(head, chosen=metrics) if head is not None else None
    step = tried(build_step, config, allow, head) if head is not None else None
    callbacks = tried(build_callbacks, config, allow)
    model = tried(fresh_model, config, allow, head) if head is not None else None
    tried(refuse_uncompilable, config, machine.device, model, machine.ranks)
    return RunParts(metrics, train, head, step, callbacks, model)


def _training_batches(
    config: RunConfig, machine: Machine, data: PreparedData, reader: RowLoader, tried: Attempts
) -> Batches | None:
    wanted = (config.loader, config.seed, machine.device, config.trainer.limit_batches, reader)
    train = tried(training_batches, data.train, *wanted)
    if train is not None:
        tried(refuse_unshared, machine.ranks, train)
    return train
