"""The losses of the steps of an epoch, looked at some steps after they were made."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from seedbed.training.arrays import Column, Mask
from seedbed.training.epoch_loss import EpochLoss
from seedbed.training.epoch_means import EpochMeans


class Broken(NamedTuple):
    """A run whose loss or weights are not finite any more.

    Args:
        slot: of the run.
        what: is not finite.
        behind: steps that were made since.
    """

    slot: int
    what: str
    behind: int


class StepLosses:
    """What the steps so far gave, added up; and which runs are finite.

    Args:
        slots: how many there are.
        names: of what a step of the user's own gives beside the loss.
        is_sum: whether the loss of a batch is the sum over its rows; the mean otherwise.
        in_flight: steps after which their losses are looked at.
    """

    def __init__(self, slots: int, names: Sequence[str], *, is_sum: bool, in_flight: int) -> None:
        self.loss = EpochLoss(slots, is_sum=is_sum)
        self.beside = EpochMeans(names, slots)
        self.finite: Mask = np.ones(slots, dtype=np.bool_)
        self._in_flight = in_flight
        self._pending: list[tuple[Tensor, Tensor | int, Mapping[str, Tensor]]] = []

    def add(
        self, losses: Tensor, weight: Tensor | int, beside: Mapping[str, Tensor]
    ) -> Sequence[Broken]:
        """Takes in a step; the runs that are seen to be broken now.

        Args:
            losses: of each slot, (slots,).
            weight: what they count; one number, or (slots,).
            beside: what a step of the user's own gave beside the losses, each (slots,).
        """
        self._pending.append((losses, weight, beside))
        return self.settle() if len(self._pending) >= self._in_flight else ()

    def settle(self) -> Sequence[Broken]:
        """Waits for the losses in flight and adds them up; the runs that are broken by one."""
        broken: list[Broken] = []
        behind = len(self._pending)
        for losses, weight, beside in self._pending:
            behind -= 1
            if beside:
                self.beside.add(beside, weight)
            if not self.loss.add(losses, weight):
                broken += [
                    Broken(slot, f"train/loss is {losses[slot].item()}", behind)
                    for slot in self._newly_broken(losses.isfinite().cpu().numpy())
                ]
        self._pending.clear()
        return broken

    def check(self, finite: Mask) -> Sequence[Broken]:
        """The runs that are broken by weights, of which is told which slots have finite ones."""
        if finite.all():
            return ()
        return [Broken(one, "a weight is infinite or NaN", 0) for one in self._newly_broken(finite)]

    def _newly_broken(self, finite: Mask) -> list[int]:
        slots: list[int] = (self.finite & ~finite).nonzero()[0].tolist()
        self.finite[slots] = False
        return slots

    def means(self) -> dict[str, Column]:
        """Of the steps so far, by column: the loss, and what a step gives beside it."""
        means = {"train/loss": self.loss.value}
        if self.beside.names:
            own = self.beside.values(self.loss.weight)
            means |= {f"train/{name}": one for name, one in own.items()}
        return means

    def clear(self) -> None:
        """Another epoch begins."""
        self.loss.clear()
        self.beside.clear()

    def select(self, slots: Sequence[int]) -> None:
        """Goes on with the runs in these slots."""
        self.loss.select(slots)
        self.beside.select(slots)
        self.finite = self.finite[list(slots)]
