"""The engine of a run on many ranks of which each holds a part of the weights.

So it is with all that goes with them: gradients, the optimizer's state, the best weights so far,
averages.
Steps and numbers are `RankEngine`'s. A checkpoint is gathered, a tensor at a time, when the first
rank writes it; it is that of one process.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import torch
from torch import Tensor

from seedbed.data.batches import Batch
from seedbed.data.nested import first_row, mapped
from seedbed.errors import ModelError
from seedbed.process.no_compiler import splitting_without_compiler
from seedbed.process.torch_private import foreach_div
from seedbed.ranks.engine import RankEngine
from seedbed.ranks.forward import RankForward
from seedbed.ranks.group import Group
from seedbed.ranks.sharded_forward import OTHER_LAYERS, ShardedForward
from seedbed.ranks.shards import Change, Shards
from seedbed.ranks.wishes import Wishes
from seedbed.runs.checkpoint import Checkpoint, all_finite, copied
from seedbed.runs.pending import Pending
from seedbed.training.arrays import NO, YES, Column, Mask
from seedbed.training.averaging import Average
from seedbed.training.engine import Rows, Unseen, Which, at_each_step
from seedbed.training.run_components import RunComponents

MODEL = "model"
"""Asked for beside the checkpoints."""


class ShardedEngine(RankEngine):
    """See `Engine`; what it tells is the same on every rank, but for weights and checkpoints.

    The first rank's are `Pending`: the others help while it writes them, see `help`.

    Args:
        plan: the parts of the run; its model is split in place.
        group: the ranks.
        wishes: what any of them wants.
    """

    ranked: ShardedForward

    def __init__(self, plan: RunComponents, group: Group, wishes: Wishes) -> None:
        with splitting_without_compiler():
            self.shards = Shards(plan.model, plan.optimizer, group, plan.config.trainer.shard)
        super().__init__(plan, group, wishes)

    def _forward(self, plan: RunComponents, group: Group) -> RankForward:
        return ShardedForward(plan, group, self.shards.units)

    def _held_whole(self) -> Sequence[Tensor]:
        return self.shards.held_whole

    def _average(self) -> Average:
        parameters = self.shards.parameters
        return _AverageOfParts(
            self.model, self.plan.config.trainer, self._measure_batches, parameters
        )

    @contextmanager
    def settings(self) -> Iterator[None]:
        """See `Engine`."""
        with splitting_without_compiler(), super().settings():
            yield

    def batches(self, epoch: int, start: int, unseen: Unseen = at_each_step) -> Iterator[Rows]:
        """See `Engine`; every rank has a row to call the model with, its own or another's."""
        for batch in self.ranked.agreed(super().batches(epoch, start, unseen)):
            x, y = batch
            parts: Any = [batch] if self.accumulate == 1 else zip(x, y, strict=True)
            self._share_rows(list(parts))
            yield batch

    def _share_rows(self, batches: Sequence[Batch]) -> None:
        lacking = torch.full((), float(self.ranked.lacks_rows(batches)), device=self.group.device)
        self.group.add(lacking)
        if lacking.item():
            own = next((mapped(Tensor.cpu, first_row(x)) for x, y in batches if len(y)), None)
            row = next(one for one in self.group.of_all(own) if one is not None)
            self.ranked.spare = mapped(lambda one: one.to(self.group.device), row)

    def step(self, x: Any, y: Any) -> Tensor:
        """See `Engine`."""
        with self.group.computing():
            return super().step(x, y)

    def evaluate(self, split: str, weights: object = None) -> dict[str, Column]:
        """See `Engine`."""
        with self.group.computing():
            return super().evaluate(split, weights)

    def final_weights(self, best: Mask) -> None:
        """See `Engine`."""
        with self.group.computing():
            super().final_weights(best)

    def gradients(self, batches: Sequence[Batch]) -> Tensor:
        """See `SingleEngine`; the parts have theirs afterwards."""
        loss = super().gradients(batches)
        own = self.shards.take_gradients()
        if own and not self.head.is_sum:
            count = torch.as_tensor(self._weight, device=self.group.device)
            foreach_div(own, count.where(count != 0, 1).to(own[0].dtype))
        return loss

    def _beside(self) -> list[float]:
        """Which way this rank went through the model, in the step just made."""
        self._own_way = self.ranked.way(*self.shards.with_gradient())
        return [self._own_way]

    def _hear_beside(self, numbers: Sequence[Tensor]) -> None:
        (total,) = numbers
        if total.item() != self._own_way * self.group.place.ranks:
            raise ModelError(OTHER_LAYERS)

    def _clipped(self) -> Sequence[Tensor]:
        return list(self.shards.parameters.values())

    def _clip_norm(self, largest: float) -> None:
        """As torch's `clip_grad_norm_`, which takes the norm of a rank's parts for that of all."""
        parts = {id(one) for one in self.shards.parts}
        squares = torch.zeros(2, device=self.group.device)
        gradients = []
        for one in self._clipped():
            if one.grad is not None:
                gradients.append(one.grad)
                squares[int(id(one) in parts)] += one.grad.abs().float().square().sum()
        of_parts = squares[1]
        self.group.add(of_parts)
        norm = (squares[0] + of_parts).sqrt()
        for gradient in gradients:
            gradient.mul_((largest / (norm + 1e-6)).clamp(max=1.0).to(gradient.device))

    def finite(self) -> Mask:
        """See `Engine`."""
        own = [one.detach() for one in self.shards.parameters.values()]
        broken = torch.full((), float(not all_finite(own)), device=self.group.device)
        self.group.add(broken)
        return NO if broken.item() else YES

    def _weights(self) -> Mapping[str, Any]:
        return self.shards.weights()

    def _take_weights(self, weights: Mapping[str, Any]) -> None:
        self.shards.take_weights(weights)

    def state_dict(self, slot: int, weights: object) -> dict[str, Any]:
        """See `Engine`; of the first rank: the others give their parts as it is written."""
        return self.shards.changed_weights(copied(self.shards.weights()), self._asking(MODEL))

    def checkpoint(self, slot: int, which: Which) -> Checkpoint:
        """See `Engine`; of the first rank: the others give their parts as it is written."""
        return self.shards.changed(super().checkpoint(0, which), self._asking(which))

    def _asking(self, what: str) -> Change:
        """What stands for parts in a checkpoint: it asks the others for theirs, in its order."""
        assert self.group.is_first
        next_one = count()

        def pending(own: Tensor, size: torch.Size) -> Any:
            if not size.numel():
                return own
            number = next(next_one)
            return Pending(size, own.dtype, partial(self._taken, what, number, own, size))

        return pending

    def _taken(self, what: str, number: int, own: Tensor, size: torch.Size) -> Tensor:
        if number == 0:
            self._given = 0
            self.group.from_first(what)
        assert number == self._given, "the others give in the order of the checkpoint"
        self._given += 1
        whole = self.shards.gathered(own, size)
        assert whole is not None
        return whole

    def helped(self) -> None:
        """See `RankEngine`."""
        self.group.from_first(None)

    def help(self) -> None:
        """See `RankEngine`; gives this rank's parts, until the first one asks for no more."""

        def give(own: Tensor, size: torch.Size) -> None:
            if size.numel():
                self.shards.gathered(own, size)

        while what := self.group.from_first(None):
            if what == MODEL:
                self.shards.changed_weights(self.shards.weights(), give)
            else:
                self.shards.changed(super().checkpoint(0, what), give)

    def spread(self, last: Checkpoint | None, best: Checkpoint | None) -> Sequence[Any]:
        """See `RankEngine`."""
        return self.shards.spread([last, best])

    def restore(self, last: Sequence[Checkpoint], best: Sequence[Checkpoint]) -> None:
        """See `Engine`; from whole checkpoints, or from this rank's parts of them."""
        own = [[self.shards.changed(one, self.shards.cut) for one in some] for some in (last, best)]
        super().restore(*own)


class _AverageOfParts(Average):
    """Whose weights stay in the memory that they are gathered from."""

    def _swap(self) -> None:
        if self.count:
            for mean, one in zip(self._mean, self._parameters, strict=True):
                before = one.detach().clone()
                one.detach().copy_(mean)
                mean.copy_(before)
