"""The forward pass where each rank holds a part of the weights: all ranks go the same way."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zlib import crc32

import torch
from torch import Tensor

from seedbed.data.batches import Batch, Batches
from seedbed.errors import DataError, ModelError
from seedbed.ranks.forward import RankForward
from seedbed.ranks.group import Group
from seedbed.training.run_components import RunComponents

SMALL = 2**16
"""Sums of numbers below it, over as many ranks as there may be, are exact in float32."""

OTHER_LAYERS = (
    "trainer.strategy=fsdp: the ranks' rows went through other layers of the model, and each layer "
    "needs all ranks; type trainer.strategy=ddp"
)


class ShardedForward(RankForward):
    """See `RankForward`. A model's weights come together while all ranks call it, each time.

    Args:
        plan: the parts of the run; its model is split.
        group: the ranks.
        units: modules that are gathered by themselves.
    """

    def __init__(self, plan: RunComponents, group: Group, units: Sequence[Any]) -> None:
        super().__init__(plan, group)
        self.needs_all = True
        self._gone_through: list[int] = []
        for number, unit in enumerate(units):
            unit.register_forward_pre_hook(self._noting(number))

    def _noting(self, number: int) -> Any:
        return lambda *_: self._gone_through.append(number)

    def way(self, *more: int) -> float:
        """A small number that tells which units were gathered since it was last asked for."""
        way, self._gone_through = [*self._gone_through, -1, *more], []
        return float(crc32(repr(way).encode()) % SMALL)

    def agreed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """See `RankForward`.

        Raises:
            DataError: on every rank, if the rows of any cannot be read: all leave the same step.
        """
        while True:
            batch, broken = None, None
            try:
                batch = next(batches, None)
            except DataError as err:
                broken = err
            number = torch.full((), float(broken is not None), device=self.group.device)
            self.group.add(number)
            if number.item():
                texts = self.group.of_all(str(broken or ""))
                raise broken or DataError(next(filter(None, texts)))
            if batch is None:
                return
            yield batch

    def measured(self, batches: Batches) -> dict[str, float]:
        """See `Forward`."""
        found = super().measured(batches)
        if len(set(self.group.of_all(self.way()))) > 1:
            raise ModelError(OTHER_LAYERS)
        return found

    def outputs(self, x: Any) -> Tensor:
        """See `Forward`."""
        with _told_of_parts():
            return super().outputs(x)

    def loss(self, x: Any, y: Tensor) -> Tensor:
        """See `Forward`."""
        with _told_of_parts():
            return super().loss(x, y)


@contextmanager
def _told_of_parts() -> Iterator[None]:
    try:
        yield
    except RuntimeError as err:
        if "mixed torch.Tensor and DTensor" not in str(err):
            raise
        raise ModelError(
            "trainer.strategy=fsdp: the model takes the weight of a layer without calling the "
            "layer, while each rank holds a part of it; type a trainer.shard that is larger than "
            "the layer, or trainer.strategy=ddp"
        ) from err
