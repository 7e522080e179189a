"""The engine of a run on many ranks: each makes its share of every step, on weights of its own.

The gradients of a batch are added over ranks, each weighted by what its rows count, so that a step
is that of one process, whatever the number of rows. Not torch's DistributedDataParallel: that takes
the mean of the ranks' means, and waits for ever where one rank has no rows.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.data.batches import Batch, share_of
from seedbed.data.seeds import stream_seed
from seedbed.process.generators import seed_torch
from seedbed.ranks.buffers import SharedBuffers
from seedbed.ranks.flat import FlatGradients
from seedbed.ranks.forward import RankForward
from seedbed.ranks.group import Group
from seedbed.ranks.wishes import Wishes
from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.accumulation import groups
from seedbed.training.engine import Rows, Unseen, at_each_step
from seedbed.training.run_components import RunComponents
from seedbed.training.single import SingleEngine


class RankEngine(SingleEngine):
    """See `Engine`; what it tells is the same on every rank.

    Args:
        plan: the parts of the run, which are trained in place.
        group: the ranks.
        wishes: what any of them wants.
    """

    def __init__(self, plan: RunComponents, group: Group, wishes: Wishes) -> None:
        self.ranked = self._forward(plan, group)
        super().__init__(plan, self.ranked)
        self.name = str(plan.config.trainer.strategy)
        self.group = group
        self.wishes = wishes
        self._buffers = SharedBuffers(self.model, self.head.loss_function, self.ranked.layers)
        more = Wishes.NUMBER + 3 + len(self._beside()) + len(plan.step_names)
        self._flat = FlatGradients(self._held_whole(), more, plan.device)
        self._weight: Tensor | int = 0
        self._unweighed = 0.0
        if self.compiled is not None:
            self.compiled.rows = len(group.share(torch.arange(plan.train.batch_size)))

    def _forward(self, plan: RunComponents, group: Group) -> RankForward:
        return RankForward(plan, group)

    def _held_whole(self) -> Sequence[Tensor]:
        """The parameters that each rank holds whole, and adds the gradients of itself."""
        return self._learning

    def _beside(self) -> list[float]:
        """What is added over ranks beside the gradients, the loss and the wishes."""
        return []

    def _hear_beside(self, numbers: Sequence[Tensor]) -> None:
        """Hears the sums of these."""

    def batches(self, epoch: int, start: int, unseen: Unseen = at_each_step) -> Iterator[Rows]:
        """See `Engine`; each batch holds this rank's rows of it.

        What a rank draws at random in a step is a function of seed, rank, epoch and batch.
        """
        shares = share_of(self.plan.train, epoch, start * self.accumulate, self.group.share)
        batches = shares if self.accumulate == 1 else groups(shares, self.accumulate)
        for number, batch in enumerate(batches, start):
            self._seed(self.group.place.rank, epoch, number)
            yield batch

    def _seed(self, *counters: int) -> None:
        seed = stream_seed(self.plan.config.seed, "rank", *counters)
        seed_torch(seed)
        if self.plan.packages:
            random.seed(seed)
            np.random.seed(seed % 2**32)

    def gradients(self, batches: Sequence[Batch]) -> Tensor:
        """See `SingleEngine`; of the rows of all ranks, the same on every rank."""
        self._unweighed = 0.0
        parts = [self._of_rank(x, y) for x, y in batches]
        if self.watch is not None:  # what any rank's rows broke comes before the loss of all
            self.watch.found = next(filter(None, self.group.of_all(self.watch.found)), "")
        losses, weights, *beside = (torch.stack(some).sum() for some in zip(*parts, strict=True))
        changed = float(self._buffers.touched())
        told: list[Tensor | float] = [losses, weights, changed, *self.wishes.own()]
        own = self._beside()
        told += [*own, *beside]
        total, count, touched, *rest = self._flat.added(self.group.add, told, self._count)
        self.wishes.take([one.item() for one in rest[: Wishes.NUMBER]])
        self._hear_beside(rest[Wishes.NUMBER : Wishes.NUMBER + len(own)])
        self.beside = {
            name: (one / count.where(count != 0, 1)).view(1)
            for name, one in zip(
                self.plan.step_names, rest[Wishes.NUMBER + len(own) :], strict=True
            )
        }
        if touched.item() > 0:
            self._buffers.take(self.group.take_first)
        if self.head.is_sum:
            self._weight = 1
            return total
        self._weight = count
        return total if count.item() else self._of_no_weight()

    def _of_no_weight(self) -> Tensor:
        """The loss where no row of any rank counts: 0, or NaN as the mean over ignored classes."""
        loss = torch.full((), self._unweighed, device=self.plan.device)
        self.group.add(loss)
        return loss

    def _of_rank(self, x: Any, y: Tensor) -> tuple[Tensor, ...]:
        """What this rank's rows add to the loss of the batch, and what they count in it.

        Behind these is what they add to each value that a step of the user's own gives.
        """
        none = torch.zeros((), device=self.plan.device)
        weight = none + (self.head.batch_weight(y) if len(y) else 0)
        if self.plan.step is not None:
            return self._of_own_step(x, y, weight)
        with self.ranked.over_ranks():
            if weight.item() == 0:
                # Rows that weigh nothing have a gradient of 0, and some models need every rank.
                if self.ranked.needs_all or len(y):
                    output = self.forward.outputs(self.ranked.some(x, y))
                    if len(y):
                        self._unweighed += self.forward.loss_of(output.detach(), y)
                    (output.float().sum() * 0).backward()
                return none, none
            loss = self.forward.loss(self.ranked.some(x, y), y) * weight
            self.scaler.scale(loss).backward()
        return loss.detach(), weight

    def _of_own_step(self, x: Any, y: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        """As `_of_rank`; rows that weigh nothing are shown to the step, and have no gradient."""
        names = self.plan.step_names
        if not len(y):
            return (weight,) * (2 + len(names))
        with self.ranked.over_ranks():
            given = self.forward.loss(x, y)
            loss = given * weight
            self.scaler.scale(loss).backward()
        if weight.item() == 0:
            self._unweighed += given.item()
        beside = [self.forward.beside[name] * weight for name in names]
        return loss.detach(), weight, *beside

    @property
    def _count(self) -> int | None:
        """Where the value stands by which all are divided; None where the loss is a sum."""
        return None if self.head.is_sum else 1

    def batch_weight(self, y: object) -> Tensor | int:
        """See `Engine`: of the rows of all ranks, in the step just made."""
        return self._weight

    def spread(self, last: Checkpoint | None, best: Checkpoint | None) -> Sequence[Any]:
        """The first rank's checkpoints to go on from, on every rank."""
        found: Sequence[Any] = self.group.from_first((last, best))
        return found

    def help(self) -> None:
        """Of another rank: has the first one write what it needs this one for, which is nothing."""

    def helped(self) -> None:
        """Of the first rank: needs the others no more."""

    def _measure_batches(self) -> None:
        """See `SingleEngine`; each rank measures all rows, by the same draws."""
        self._seed(0)
        super()._measure_batches()
