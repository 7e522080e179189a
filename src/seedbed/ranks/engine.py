"""The engine of a run on many ranks: each makes its share of every step, on weights of its own.

The gradients of a batch are added over ranks, each weighted by what its rows count, so that a step
is that of one process, whatever the number of rows. Not torch's DistributedDataParallel: that takes
the mean of the ranks' means, and waits for ever where one rank has no rows.
"""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from seedbed.data.batches import Batch, share_of
from seedbed.data.seeds import stream_seed
from seedbed.ranks.buffers import SharedBuffers
from seedbed.ranks.flat import FlatGradients
from seedbed.ranks.forward import RankForward
from seedbed.ranks.group import Group
from seedbed.ranks.wishes import Wishes
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
        self.ranked = RankForward(plan, group)
        super().__init__(plan, self.ranked)
        self.name = "ddp"
        self.group = group
        self.wishes = wishes
        self._buffers = SharedBuffers(self.model, self.head.loss_function, self.ranked.layers)
        self._flat = FlatGradients(self.optimizer, Wishes.NUMBER + 3)
        self._weight: Tensor | int = 0

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
        torch.manual_seed(seed)
        if self.plan.packages:
            random.seed(seed)
            np.random.seed(seed % 2**32)

    def gradients(self, batches: Sequence[Batch]) -> Tensor:
        """See `SingleEngine`; of the rows of all ranks, the same on every rank."""
        parts = [self._of_rank(x, y) for x, y in batches]
        if self.watch is not None:  # what any rank's rows broke comes before the loss of all
            self.watch.found = next(filter(None, self.group.of_all(self.watch.found)), "")
        losses, weights = (torch.stack(some).sum() for some in zip(*parts, strict=True))
        changed = float(self._buffers.touched())
        told: list[Tensor | float] = [losses, weights, changed, *self.wishes.own()]
        total, count, touched, *wanted = self._flat.added(self.group.add, told, self._count)
        self.wishes.take([one.item() for one in wanted])
        if touched.item() > 0:
            self._buffers.take(self.group.take_first)
        self._weight = 1 if self.head.is_sum else count
        return total

    def _of_rank(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """What this rank's rows add to the loss of the batch, and what they count in it."""
        none = torch.zeros((), device=self.plan.device)
        weight = none + (self.head.batch_weight(y) if len(y) else 0)
        with self.ranked.over_ranks():
            if weight.item() == 0:
                if not self.ranked.layers and not len(y):
                    return none, none
                # Layers look at all ranks' rows, and rows that weigh nothing have a gradient of 0.
                nothing = self.forward.outputs(x).float().sum() * 0
                nothing.backward()
                return none, none
            loss = self.forward.loss(x, y) * weight
            self.scaler.scale(loss).backward()
        return loss.detach(), weight

    @property
    def _count(self) -> int | None:
        """Where the value stands by which all are divided; None where the loss is a sum."""
        return None if self.head.is_sum else 1

    def batch_weight(self, y: object) -> Tensor | int:
        """See `Engine`: of the rows of all ranks, in the step just made."""
        return self._weight

    def _measure_batches(self) -> None:
        """See `SingleEngine`; each rank measures all rows, by the same draws."""
        self._seed(0)
        super()._measure_batches()
