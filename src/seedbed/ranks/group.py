"""What ranks tell one another, in the same order on each; torch.distributed carries it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from traceback import extract_tb
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from torch import Tensor

from seedbed.data.shares import Share
from seedbed.process.place import Place

Lost = Callable[[Exception], NoReturn]


class Group:
    """The ranks of a run, seen from one of them.

    Args:
        place: of this one.
        device: where it computes.
        lost: called with what torch says when another rank is gone; raises what is to be told.
    """

    def __init__(self, place: Place, device: torch.device, lost: Lost) -> None:
        self.place = place
        self.device = device
        self.share = Share(place.rank, place.ranks)
        self._lost = lost

    @property
    def is_first(self) -> bool:
        """Whether this rank writes and speaks for all."""
        return self.place.is_first

    def add(self, tensor: Tensor) -> None:
        """Puts the sum over all ranks into a tensor; the same bits on each."""
        with self._together():
            dist.all_reduce(tensor)

    def take_first(self, tensor: Tensor) -> None:
        """Puts the first rank's values into a tensor."""
        with self._together():
            dist.broadcast(tensor, 0)

    def from_first(self, value: Any) -> Any:
        """The first rank's value, on every rank."""
        held = [value]
        with self._together():
            dist.broadcast_object_list(held, 0)
        return held[0]

    def of_all(self, value: Any) -> list[Any]:
        """The values of all ranks, on every rank."""
        values: list[Any] = [None] * self.place.ranks
        with self._together():
            dist.all_gather_object(values, value)
        return values

    def rows_of_all(self, own: Tensor, rows: Sequence[int]) -> Tensor | None:
        """The rows of all ranks one after the other, on the first rank alone.

        Args:
            own: of this one.
            rows: how many each has, one or more.
        """
        most = max(rows)
        padded = own.new_zeros((most, *own.shape[1:]))
        padded[: len(own)] = own
        held = [torch.empty_like(padded) for _ in rows] if self.is_first else None
        with self._together():
            dist.gather(padded, held, 0)
        if held is None:
            return None
        return torch.cat([one[:number] for one, number in zip(held, rows, strict=True)])

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Inside, a model tells ranks something that is split over them."""
        try:
            yield
        except RuntimeError as err:  # it may be the user's own as well
            if any(
                frame.filename == dist.distributed_c10d.__file__
                for frame in extract_tb(err.__traceback__)
            ):
                self._lost(err)
            raise

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as err:  # of torch.distributed all are
            self._lost(err)
