"""What the loop asks of an engine: the arithmetic of K >= 1 runs, one of which is in each slot."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from numpy.typing import ArrayLike
from torch import Tensor

from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.arrays import Column, Mask
from seedbed.training.step_norms import StepNorms

Which = Literal["last", "best"]
"""Weights as they are now, or as they were when they were remembered."""

Rows = tuple[Any, Any]
"""Inputs and targets of a batch, or of several, in an engine's own form."""

Unseen = Callable[[], int]
"""How many steps may be made, from now on, before somebody looks."""

Weights = Any
"""Weights of every slot, in an engine's own form."""


def at_each_step() -> int:
    """Somebody looks after every step."""
    return 1


class Engine(Protocol):
    """Trains the runs in its slots, and holds their weights.

    Arrays and losses have one value per slot; an engine may have more slots than runs, and then
    repeats the last run.
    """

    name: str
    """What `result.json` and checkpoints call it."""

    splits: Sequence[str]
    """Held-out rows that can be measured: validation, test."""

    norms: StepNorms | None
    """Measures the steps that are due, with `trainer.log_gradients`."""

    @property
    def beside(self) -> Mapping[str, Tensor]:
        """What a step of the user's own gave beside the loss in the step just made; (slots,)."""
        ...

    @property
    def anomaly(self) -> str:
        """What was not finite first, and where; empty if nobody looked, or all was."""
        ...

    def settings(self) -> AbstractContextManager[None]:
        """The settings of the process that the runs need, put back afterwards."""
        ...

    def batches(self, epoch: int, start: int, unseen: Unseen = at_each_step) -> Iterator[Rows]:
        """The batches of an epoch from the one numbered `start`, each for every slot.

        With `trainer.accumulate` that many are one for the loop: it counts updates.

        Where an engine makes many steps in one call, it gives several at once, no more than
        `unseen`.
        """
        ...

    def step(self, x: Any, y: Any) -> Tensor:
        """One update of the weights of every run; their losses, (slots,).

        Of several batches as many updates, with (steps, slots).
        """
        ...

    def batch_weight(self, y: Any) -> Tensor | int:
        """What the losses of a batch with these targets count in the epoch's."""
        ...

    def learning_rates(self) -> ArrayLike:
        """Of the steps just made."""
        ...

    def end_batch(self) -> None:
        """Moves on the schedules that count batches; of several batches none does."""
        ...

    def end_epoch(self, monitored: Column) -> None:
        """Moves on the schedules that count epochs; some look at the monitored value."""
        ...

    def finite(self) -> Mask:
        """Which slots have no weight that is NaN or infinite."""
        ...

    def average_epoch(self, epoch: int) -> None:
        """Takes in the weights at the end of an epoch, from 1, where `trainer.select` says so."""
        ...

    def evaluate(self, split: str, weights: Weights | None = None) -> dict[str, Column]:
        """The loss and the metrics over a split.

        With the current weights if none are given, or with their average where `trainer.select`
        is one.
        """
        ...

    def remember_best(self, slots: Mask) -> None:
        """Keeps what `checkpoint(slot, "best")` gives from now on, of these slots."""
        ...

    def final_weights(self, best: Mask) -> Weights:
        """The current weights or their average, and what was remembered of some slots.

        The slots whose runs end may be changed by this; the others are not.
        """
        ...

    def state_dict(self, slot: int, weights: Weights) -> dict[str, Any]:
        """The `state_dict` of one run, on the CPU."""
        ...

    def checkpoint(self, slot: int, which: Which) -> Checkpoint:
        """The engine's part of a checkpoint, copied to the CPU."""
        ...

    def restore(self, last: Sequence[Checkpoint], best: Sequence[Checkpoint]) -> None:
        """Goes on from checkpoints, one of each slot.

        Raises:
            Exception: of any kind, if they are not of these runs.
        """
        ...

    def select(self, slots: Sequence[int]) -> Sequence[int]:
        """Goes on with the runs in these slots; the old slot of each slot that there is then."""
        ...
