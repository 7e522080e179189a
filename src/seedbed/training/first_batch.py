"""Lets one batch through copies of a run's parts, and keeps what it has shown."""

from dataclasses import replace
from typing import NamedTuple

from torch import nn

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.data.batches import Batches
from seedbed.data.prepared import PreparedData
from seedbed.models.copies import copied_model
from seedbed.models.shared_values import kept_to_the_run
from seedbed.tasks.build_head import rebuilt_head
from seedbed.tasks.head import TaskHead
from seedbed.training.own_step import OwnStep
from seedbed.training.starting_model import fresh_model
from seedbed.training.trial_batch import Tried, try_batch, try_own_step


class FirstBatch(NamedTuple):
    """What one batch has shown.

    Args:
        tried: how much work it is, and what a person should know.
        head: with which metrics fit the model's outputs.
        step: with the names of what it gives; None for the head's loss.
    """

    tried: Tried
    head: TaskHead
    step: OwnStep | None


def let_through(
    config: RunConfig,
    allow: AllowList,
    model: nn.Module,
    head: TaskHead,
    step: OwnStep | None,
    data: PreparedData,
    train: Batches,
) -> FirstBatch:
    """Lets one batch through copies of the model and the loss.

    Raises:
        SeedbedError: see `try_batch` and `try_own_step`.
    """
    measured = data.validation or data.test
    with kept_to_the_run(allow.packages, config.seed):
        twin, its_head = _twins(config, allow, model, head)
        if step is None:
            return FirstBatch(try_batch(twin, its_head, data.train, train, measured), head, None)
        own = replace(step, head=its_head)
        tried, found = try_own_step(own, twin, data.train, train, measured)
    head = replace(head, has_metrics=not found.misfit)
    return FirstBatch(tried, head, replace(step, head=head, names=found.names, misfit=found.misfit))


def _twins(
    config: RunConfig, allow: AllowList, model: nn.Module, head: TaskHead
) -> tuple[nn.Module, TaskHead]:
    """A model and a loss that may be tried: copies, or built anew where they cannot be copied."""
    try:
        loss = copied_model(head.loss_function)
        return copied_model(model), replace(head, loss_function=loss)
    except Exception:  # of any kind: the classes may be the user's
        anew = rebuilt_head(head, config.loss, allow, head.preprocessing)
        return fresh_model(config, allow, anew), anew
