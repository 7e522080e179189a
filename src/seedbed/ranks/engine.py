"""The engine of a run on many ranks: each makes its share of every step, on weights of its own.

The gradients of a batch are added over ranks, each weighted by what its rows count, so that a step
is that of one process, whatever the number of rows. Not torch's DistributedDataParallel: that takes
the mean of the ranks' means, and waits for ever where one rank has no rows.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from seedbed.data.batches import Batch, Batches, share_of
from seedbed.data.seeds import stream_seed
from seedbed.data.streaming.batches import StreamBatches
from seedbed.ranks.batch_norm import layers_of, over_ranks
from seedbed.ranks.buffers import SharedBuffers
from seedbed.ranks.flat import FlatGradients
from seedbed.ranks.group import Group
from seedbed.ranks.wishes import Wishes
from seedbed.training.accumulation import Weight, groups
from seedbed.training.engine import Rows, Unseen, at_each_step
from seedbed.training.evaluation import over_pieces, over_stream
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
        super().__init__(plan)
        self.name = "ddp"
        self.group = group
        self.wishes = wishes
        self._layers = layers_of(self.model)
        self._buffers = SharedBuffers(self.model, self.head.loss_function, self._layers)
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

    def _gradient(self, x: Tensor, y: Tensor, share: Weight | None = None) -> Tensor:
        """See `SingleEngine`; of the whole batch, the same on every rank."""
        return self._added([(x, y)])

    def _accumulated(self, x: Sequence[Tensor], y: Sequence[Tensor]) -> Tensor:
        """See `SingleEngine`; of all batches together."""
        return self._added(list(zip(x, y, strict=True)))

    def _added(self, batches: Sequence[Batch]) -> Tensor:
        """Puts the gradients of all rows of batches into the parameters; their loss, ()."""
        parts = [self._of_share(x, y) for x, y in batches]
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

    def _of_share(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """What this rank's rows add to the loss of the batch, and what they count in it."""
        none = torch.zeros((), device=self.plan.device)
        weight = none + (self.head.batch_weight(y) if len(y) else 0)
        with self._over_ranks():
            if weight.item() == 0:
                if not self._layers and not len(y):
                    return none, none
                # Layers look at all ranks' rows, and rows that weigh nothing have a gradient of 0.
                nothing = self._outputs(x).float().sum() * 0
                nothing.backward()
                return none, none
            loss = self._loss(x, y) * weight
            self.scaler.scale(loss).backward()
        return loss.detach(), weight

    @property
    def _count(self) -> int | None:
        """Where the value stands by which all are divided; None where the loss is a sum."""
        return None if self.head.is_sum else 1

    def _over_ranks(self) -> AbstractContextManager[None]:
        return over_ranks(self._layers, self.group) if self._layers else nullcontext()

    def batch_weight(self, y: object) -> Tensor | int:
        """See `Engine`: of the rows of all ranks, in the step just made."""
        return self._weight

    def _measure_batches(self) -> None:
        """See `SingleEngine`; each rank measures all rows, by the same draws."""
        self._seed(0)
        super()._measure_batches()

    def _measured(self, batches: Batches) -> dict[str, float]:
        """See `SingleEngine`; each rank lets its share through, the first one measures all."""
        with self._over_ranks():
            found = self._streamed(batches) if isinstance(batches, StreamBatches) else None
            measured: dict[str, float] = self.group.from_first(found or self._held(batches))
        return measured

    def _streamed(self, batches: StreamBatches) -> dict[str, float]:
        """On the first rank, what is measured; elsewhere nothing, and never nothing to measure."""
        with torch.no_grad():
            pieces = self._whole_pieces(batches)
            if self.group.is_first:
                return over_stream(pieces, lambda x: x, self._loss_of, self.head)
            return {"loss": float(sum(1 for _ in pieces))}

    def _whole_pieces(self, batches: Batches) -> Iterator[Batch]:
        """Outputs and targets of pieces of a stream, of all rows; on the first rank alone."""
        for x, y in batches.epoch(0):
            numbers = [self._rows(len(y), rank) for rank in self._ranks]
            if not all(numbers):  # of fewer rows than ranks each takes all
                yield self._outputs(x).clone(), y
                continue
            share = self.group.share
            own = (self._outputs(share(x)).clone(), share(y))
            output, targets = (self.group.rows_of_all(one.contiguous(), numbers) for one in own)
            if output is not None and targets is not None:
                yield output, targets

    def _held(self, batches: Batches) -> dict[str, float] | None:
        """What is measured of rows in memory, on the first rank."""
        sizes = [len(piece) for piece in torch.arange(batches.rows).split(batches.batch_size)]
        rows = [[self._rows(size, rank) for size in sizes] for rank in self._ranks]
        if not all(map(sum, rows)):
            return super()._measured(batches)
        with torch.no_grad():
            own = list(self._outputs_of_share(batches))
        numbers = [sum(of_rank) for of_rank in rows]
        output, y = (
            self.group.rows_of_all(torch.cat(parts).contiguous(), numbers)
            for parts in zip(*own, strict=True)
        )
        if output is None or y is None:
            return None
        places = _places(rows)
        whole = [(output[places], y[places])]
        return over_pieces(whole, lambda x: x, self._loss_of, self.head.metrics)

    @property
    def _ranks(self) -> range:
        return range(self.group.place.ranks)

    def _rows(self, size: int, rank: int) -> int:
        share = self.group.share.of(size, rank)
        return int(share.stop - share.start)

    def _outputs_of_share(self, batches: Batches) -> Iterator[Batch]:
        for x, y in share_of(batches, 0, 0, self.group.share):
            if len(y) or self._layers:
                output = self._outputs(x).clone()
                if len(y):
                    yield output, y


def _places(rows: Sequence[Sequence[int]]) -> Tensor:
    """Where each row of a split stands among the rows of all ranks one after the other.

    Args:
        rows: of each rank, in each piece of the split.
    """
    starts = np.cumsum([0, *(sum(of_rank) for of_rank in rows)])[:-1].tolist()
    places: list[int] = []
    for piece in zip(*rows, strict=True):
        for rank, number in enumerate(piece):
            places += range(starts[rank], starts[rank] + number)
            starts[rank] += number
    return torch.tensor(places)
