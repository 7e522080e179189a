"""Batches whose gradients make one update of the weights together, `trainer.accumulate` of them.

Their loss is that of all their rows at once: each batch counts as its rows do in a mean, and sums
add up. The last update of an epoch takes the batches that are left.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from seedbed.config.schema import RunConfig
from seedbed.errors import ConfigError
from seedbed.tasks.head import TaskHead

Weight = Tensor | float
"""What the loss of a batch counts among others: of one run, or of each in a stack."""


def updates_of(batches: int, at_once: int) -> int:
    """Updates of the weights in an epoch of so many batches."""
    return -(-batches // at_once)


def groups(batches: Iterator[Any], at_once: int) -> Iterator[tuple[Any, Any]]:
    """The inputs and the targets of batches, as tuples of so many or of those that are left."""
    while some := list(islice(batches, at_once)):
        x, y = zip(*some, strict=True)
        yield x, y


def weight_of(head: TaskHead, targets: Sequence[Tensor], *, stacked: bool = False) -> Any:
    """What the loss of several batches counts in the epoch's; see `TaskHead.batch_weight`."""
    return 1 if head.is_sum else sum(head.batch_weight(y, stacked=stacked) for y in targets)


def shares(head: TaskHead, targets: Sequence[Tensor], *, stacked: bool = False) -> list[Weight]:
    """What the loss of each batch counts in that of all.

    Args:
        head: the loss.
        targets: of each batch.
        stacked: whether they are those of many runs.

    Shape:
        each target (batch, …), or stacked (runs, batch, …) -> numbers, or each (runs,)
    """
    if head.is_sum:
        return [1.0] * len(targets)
    weights = [head.batch_weight(y, stacked=stacked) for y in targets]
    total = sum(weights)
    if isinstance(total, Tensor):  # where no row counts, one batch has the loss of all
        counts, one = total > 0, torch.ones_like(total)
        weights[0] = torch.where(counts, weights[0], one)
        total = torch.where(counts, total, one)
    return [weight / total for weight in weights]


def refuse_more_than_an_epoch(config: RunConfig, batches: int) -> None:
    """Of more batches for an update than there are.

    Raises:
        ConfigError: with what to type.
    """
    at_once = config.trainer.accumulate
    if at_once > batches and not config.trainer.is_tried_out:  # where all make an update
        raise ConfigError(
            f"trainer.accumulate={at_once} is more batches than an epoch has, which are {batches}; "
            f"type trainer.accumulate={batches}, or a smaller loader.batch_size"
        )
