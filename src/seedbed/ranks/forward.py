"""The forward pass of a run on many ranks: each lets its share of the rows through."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.data.batches import Batch, Batches, share_of
from seedbed.data.nested import first_row, mapped
from seedbed.ranks.batch_norm import layers_of, over_ranks
from seedbed.ranks.group import Group
from seedbed.tasks.metric_values import metrics_of
from seedbed.training.evaluation import over_pieces, over_stream
from seedbed.training.forward import Forward
from seedbed.training.run_components import RunComponents


class RankForward(Forward):
    """See `Forward`; what it measures is the same on every rank.

    Args:
        plan: the parts of the run.
        group: the ranks.

    Attributes:
        layers: that look at the rows of all ranks.
        needs_all: whether each rank has to call the model for every batch, also without rows.
        spare: a row of an earlier batch.
    """

    def __init__(self, plan: RunComponents, group: Group) -> None:
        super().__init__(plan)
        self.group = group
        self.layers = layers_of(self.model)
        self.needs_all = bool(self.layers)
        self.spare: Any = None

    def lacks_rows(self, batches: Sequence[Batch]) -> bool:
        """Whether there is none in some of these, and none from before."""
        return self.spare is None and not all(len(y) for _, y in batches)

    def over_ranks(self) -> AbstractContextManager[None]:
        """Inside, the layers look at the rows of all ranks; each rank has to call them."""
        return over_ranks(self.layers, self.group) if self.layers else nullcontext()

    def some(self, x: Any, y: Tensor) -> Any:
        """What a rank calls the model with, whose rows of a batch these are.

        Where it has none, a row from before, as models may not take none; or none of its form,
        where layers would count it.
        """
        if len(y):
            self.spare = first_row(x)
            return x
        if self.spare is None:
            return x
        return mapped(lambda one: one[:0], self.spare) if self.layers else self.spare

    def agreed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches, where all ranks have them."""
        return batches

    def measured(self, batches: Batches) -> dict[str, float]:
        """See `Forward`; each rank lets its share through, the first one measures all.

        A step of the user's own is shown whole batches, by the first rank.
        """
        if self.step is not None:
            by_step = super().measured(batches) if self.group.is_first else None
            shared: dict[str, float] = self.group.from_first(by_step)
            return shared
        with self.over_ranks():
            found = self._streamed(batches) if batches.in_pieces else None
            measured: dict[str, float] = self.group.from_first(found or self._held(batches))
        return measured

    def _streamed(self, batches: Batches) -> dict[str, float]:
        """On the first rank, what is measured; elsewhere nothing, and never nothing to measure."""
        with torch.no_grad():
            pieces = self._whole_pieces(batches)
            if self.group.is_first:
                return over_stream(pieces, lambda x: x, self.loss_of, self.head)
            return {"loss": float(sum(1 for _ in pieces))}

    def _whole_pieces(self, batches: Batches) -> Iterator[Batch]:
        """Outputs and targets of pieces of a stream, of all rows; on the first rank alone."""
        for x, y in self.agreed(batches.epoch(0)):
            numbers = [self._rows(len(y), rank) for rank in self._ranks]
            if not all(numbers):  # of fewer rows than ranks each takes all
                yield self.outputs(x).clone(), y
                continue
            share = self.group.share
            own = (self.outputs(share(x)).clone(), share(y))
            output, targets = (self.group.rows_of_all(one.contiguous(), numbers) for one in own)
            if output is not None and targets is not None:
                yield output, targets

    def _held(self, batches: Batches) -> dict[str, float] | None:
        """What is measured of rows in memory, on the first rank."""
        sizes = [len(piece) for piece in torch.arange(batches.rows).split(batches.batch_size)]
        rows = [[self._rows(size, rank) for size in sizes] for rank in self._ranks]
        if not all(map(sum, rows)):
            return super().measured(batches)
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
        return over_pieces(whole, lambda x: x, self.loss_of, partial(metrics_of, self.head))

    @property
    def _ranks(self) -> range:
        return range(self.group.place.ranks)

    def _rows(self, size: int, rank: int) -> int:
        share = self.group.share.of(size, rank)
        return int(share.stop - share.start)

    def _outputs_of_share(self, batches: Batches) -> Iterator[Batch]:
        for x, y in self.agreed(share_of(batches, 0, 0, self.group.share)):
            if len(y) or self.needs_all:
                output = self.outputs(self.some(x, y)).clone()
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
