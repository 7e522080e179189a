"""Buffers that a model or a loss writes into while it trains: the first rank's, on every rank."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn


class SharedBuffers:
    """Those of a model and its loss, but for layers that look at all ranks' rows themselves.

    Args:
        model: trained.
        loss: likewise, where it is a module.
        layers: whose buffers are the same on each rank already.
    """

    def __init__(self, model: nn.Module, loss: Any, layers: Sequence[nn.Module]) -> None:
        self.owners = [one for one in model.modules() if one not in layers]
        if isinstance(loss, nn.Module):
            self.owners += loss.modules()
        self._known = self._look()

    def touched(self) -> bool:
        """Whether any was written into, or replaced, since the last look."""
        now = self._look()
        changed, self._known = now != self._known, now
        return changed

    def take(self, take_first: Callable[[Tensor], None]) -> None:
        """Puts the first rank's values into all; every rank has to."""
        for buffer in self._all():
            whole = buffer.detach().contiguous()
            take_first(whole)
            if whole.data_ptr() != buffer.data_ptr():
                buffer.copy_(whole)
        self._known = self._look()

    def _all(self) -> Iterator[Tensor]:
        for owner in self.owners:
            yield from owner.buffers(recurse=False)

    def _look(self) -> list[tuple[int, int]]:
        return [(one.data_ptr(), one._version) for one in self._all()]
