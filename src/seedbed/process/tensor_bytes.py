"""Counts the memory of tensors while they live, on whatever device they are."""

import weakref
from typing import Any

from torch import Tensor, UntypedStorage

from seedbed.process.torch_private import DispatchMode, tree_leaves


class TensorBytes(DispatchMode):
    """As a context: what operations inside make, while it lives.

    What was there before is not counted, nor is what an operation needs for itself.

    Attributes:
        now: bytes that live.
        peak: the most that lived at once.
        after_each: bytes that live after each operation.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self.after_each: list[int] = []
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        for one in tree_leaves((args, kwargs)):
            if isinstance(one, Tensor):
                self._note(one.untyped_storage(), 0)
        made = function(*args, **kwargs)
        for one in tree_leaves(made):
            if isinstance(one, Tensor):
                storage = one.untyped_storage()
                self._note(storage, storage.nbytes())
        self.after_each.append(self.now)
        return made

    def _note(self, storage: UntypedStorage, size: int) -> None:
        """Counts a storage until it is gone, unless it is known."""
        place = storage.data_ptr()
        if not place or place in self._known:
            return
        self._known.add(place)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, place, size)

    def _forget(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.now -= size
