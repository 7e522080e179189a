"""Means over rows of what a step of the user's own gives: the loss, and what it names beside it.

Each batch counts as its loss does in that of an epoch: by its rows, or by their weights.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.data.batches import Batch
from seedbed.process.generators import devices_generators_put_back, seed_torch
from seedbed.training.arrays import Column

Value = NDArray[Any] | float
"""Of one run, or of each."""


class EpochMeans:
    """Sums of values so far, each times what its batch counts; `EpochLoss` has what they count.

    Args:
        names: of the values.
        slots: how many there are.
    """

    def __init__(self, names: Sequence[str], slots: int) -> None:
        self.names = tuple(names)
        self.totals = {name: np.zeros(slots) for name in names}

    def clear(self) -> None:
        """Another epoch begins."""
        for total in self.totals.values():
            total.fill(0)

    def add(self, values: Mapping[str, Tensor], weight: Tensor | int) -> None:
        """Takes in the values of a batch, each (slots,)."""
        counts = _numbers(weight) if isinstance(weight, Tensor) else weight
        with np.errstate(invalid="ignore", over="ignore"):
            for name, total in self.totals.items():
                total += _numbers(values[name]) * counts

    def values(self, weight: Value) -> dict[str, Column]:
        """The means, of values that count so much together."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return {name: total / np.asarray(weight) for name, total in self.totals.items()}

    def of(self, slot: int) -> dict[str, float]:
        """The sums of a run."""
        return {name: float(total[slot]) for name, total in self.totals.items()}

    def restore(self, totals: Sequence[Mapping[str, float]]) -> None:
        """Goes on where checkpoints stand, one of each slot.

        Raises:
            KeyError: if one lacks a name.
        """
        self.totals = {
            name: np.array([one[name] for one in totals], dtype=np.float64) for name in self.names
        }

    def select(self, slots: Sequence[int]) -> None:
        """Goes on with the runs in these slots."""
        self.totals = {name: total[list(slots)] for name, total in self.totals.items()}


@dataclass(frozen=True)
class OfTask:
    """The task's metrics over rows that come in batches.

    Args:
        add: takes a batch in.
        values: of all of them.
    """

    add: Callable[[Any, Any], None]
    values: Callable[[], Mapping[str, Any]]


def over_steps(
    batches: Iterable[Batch],
    step: Callable[[Any, Any], Mapping[str, Tensor]],
    weight_of: Callable[[Any], Tensor | int],
    of_task: OfTask | None,
    seed: int,
) -> dict[str, Any]:
    """What a step gives over the batches of a split, and the task's metrics.

    What a step draws there is the same for each epoch, and training goes on as if it had drawn
    nothing.

    Args:
        batches: of the split.
        step: the loss and what is named beside it, of one run or of each.
        weight_of: what the batch of these targets counts.
        of_task: the metrics; None where the model's outputs are not those of the task.
        seed: of what it draws.
    """
    total: dict[str, Value] = {}
    count: Value = 0.0
    quiet = np.errstate(invalid="ignore", over="ignore", divide="ignore")
    with devices_generators_put_back(), torch.no_grad(), quiet:
        seed_torch(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        for x, y in batches:
            if of_task is not None:  # first: a step may write into what it gets
                of_task.add(x, y)
            weight = weight_of(y)
            counts = _numbers(weight) if isinstance(weight, Tensor) else float(weight)
            for name, value in step(x, y).items():
                total[name] = total.get(name, 0.0) + _numbers(value) * counts
            count = count + counts
        means = {name: np.asarray(one) / count for name, one in total.items()}
    return {**means, **(of_task.values() if of_task is not None else {})}


def _numbers(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().cpu().double().numpy()
