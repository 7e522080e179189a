"""The warm-up of a run's learning rates: they rise from next to nothing over the first updates."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch.optim import Optimizer


class WarmUp:
    """A factor on the rate of each group of parameters, beside whatever schedule moves the rates.

    In update `k` of `updates` the rate is the schedule's times `k / (updates + 1)`. The schedule
    counts from the run's first update as it does without a warm-up, so that its numbers mean the
    same, and one that ends with the run goes on to do so.

    Args:
        optimizer: whose rates rise; they are the schedule's own again after the last update.
        updates: that it takes, > 0.

    Source: Goyal et al., "Accurate, Large Minibatch SGD", 2017, section 2.2, gradual warm-up.
    """

    def __init__(self, optimizer: Optimizer, updates: int) -> None:
        self.optimizer = optimizer
        self.updates = updates
        self.done = 0
        self._full: list[float] = []
        self._lower()

    @property
    def over(self) -> bool:
        """Whether the rates are the schedule's."""
        return self.done >= self.updates

    @contextmanager
    def aside(self, *, updates: int = 0) -> Iterator[None]:
        """Inside, the rates are the schedule's own, to be moved.

        Args:
            updates: that were made since it was last told.
        """
        if not self.over:
            for group, rate in zip(self.optimizer.param_groups, self._full, strict=True):
                group["lr"] = rate
        self.done += updates
        yield
        self._lower()

    def _lower(self) -> None:
        if self.over:
            return
        factor = (self.done + 1) / (self.updates + 1)
        self._full = [group["lr"] for group in self.optimizer.param_groups]
        for group, rate in zip(self.optimizer.param_groups, self._full, strict=True):
            group["lr"] = rate * factor

    def state_dict(self) -> dict[str, Any]:
        """The updates so far, and the rates of the schedule."""
        return {"updates": self.done, "rates": list(self._full)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where a checkpoint stands; the optimizer's own is loaded already.

        Raises:
            KeyError, TypeError, ValueError: if it is not of this warm-up.
        """
        done, rates = state["updates"], state["rates"]
        if type(done) is not int or done < 0 or not all(type(one) is float for one in rates):
            raise ValueError("the warm-up is another")
        self.done, self._full = done, list(rates)
        with self.aside():
            pass
