"""What is kept in the process of what was made before: bytes, of which each asker has a copy."""

import pickle
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

UNWRITTEN = (pickle.PicklingError, TypeError, AttributeError, RecursionError)
"""What pickle raises for what it cannot write, such as a class that stands in a function."""


class Latest(Generic[T]):
    """Values by keys; those that were not asked for longest go first.

    Args:
        most: that are kept.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        """What is kept; None if nothing is."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._kept[key] = kept
        return kept

    def put(self, key: Hashable, value: T) -> None:
        """Keeps a value, in place of another of that key."""
        self._kept[key] = value
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)


def written(value: Any) -> bytes | None:
    """A value as bytes; None if it cannot be written."""
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except UNWRITTEN:
        return None


def read_again(value: bytes | None) -> Any:
    """What was written, anew; None if it is nothing any more, as a class of it is gone."""
    try:
        return None if value is None else pickle.loads(value)
    except (*UNWRITTEN, ImportError):
        return None
