"""How far K runs have come: losses, histories, best epochs, divergence, early stopping.

Each is decided here, once for one run and for many, as arrays of one value per slot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from seedbed.config.schema import RunConfig, TrainerConfig
from seedbed.training.arrays import Column, Mask
from seedbed.training.best_epochs import BestEpochs
from seedbed.training.histories import Histories
from seedbed.training.interval import MANY
from seedbed.training.run_length import seconds_in
from seedbed.training.state import HistoryRow, Monitor
from seedbed.training.step_losses import Broken, StepLosses
from seedbed.training.training_clock import TrainingClock

NOTHING: Mapping[str, Tensor] = {}


@dataclass(frozen=True)
class Divergence:
    """A loss or a weight of a run that became NaN or infinite.

    Args:
        error: what, where.
        epochs: finished before.
        steps: made.
    """

    error: str
    epochs: int
    steps: int


class Progress:
    """The runs in training, and how far each has come.

    A run that ends leaves its slot; `runs` says which run is in which. An engine may have more
    slots than there are runs left: those after `num_active` repeat the last run.

    Args:
        configs: of the run in each slot.
        num_runs: how many runs there are.
        monitor: the column that decides the best epoch.
        metric_names: columns of losses and metrics, in order.
        batches: in an epoch; with `trainer.accumulate` so many count as one, and make one step.
        is_sum: whether the loss of a batch is the sum over its rows; the mean otherwise.
        losses_in_flight: steps after which their losses are looked at.
        step_names: what a step of the user's own gives beside the loss.
    """

    def __init__(
        self,
        configs: Sequence[RunConfig],
        num_runs: int,
        *,
        monitor: Monitor,
        metric_names: Sequence[str],
        batches: int,
        is_sum: bool,
        losses_in_flight: int = 1,
        step_names: Sequence[str] = (),
    ) -> None:
        self.configs = list(configs)
        self.runs = list(range(num_runs))
        self.num_runs = num_runs
        self.metric_names = list(metric_names)
        self.batches = batches
        self.epoch = self.batch = self.step = 0
        slots = len(configs)
        self.losses = StepLosses(slots, step_names, is_sum=is_sum, in_flight=losses_in_flight)
        self.loss = self.losses.loss
        self.rates: Column = np.zeros(slots)
        self.best = BestEpochs(configs, monitor)
        self.history = Histories(num_runs, metric_names)
        self.diverged: dict[int, Divergence] = {}
        self.undefined: dict[int, str] = {}
        self.asked: dict[int, str] = {}  # to stop, by callbacks
        self.clock = TrainingClock()
        limit = self.trainer.max_time
        self._most_seconds = None if limit is None else seconds_in(limit)
        self.is_late = self.time_is_over  # on ranks by the clock of one
        self.last_step = self.trainer.max_steps
        self._read_configs()

    @property
    def num_active(self) -> int:
        """Runs that are still in training."""
        return len(self.runs)

    @property
    def trainer(self) -> TrainerConfig:
        """What all runs share of it: every key but epochs, clipping and early stopping."""
        return self.configs[0].trainer

    @property
    def all_diverged(self) -> bool:
        """Whether no run is worth another step."""
        return bool(self.diverged) and all(run in self.diverged for run in self.runs)

    @property
    def batches_now(self) -> int:
        """Batches of the epoch in training; fewer where the run's last step ends it."""
        if self.last_step is None:
            return self.batches
        return min(self.batches, self.last_step - self.step + self.batch)

    @property
    def steps_left(self) -> int:
        """Steps that may be made before the runs end; many where epochs alone tell."""
        return MANY if self.last_step is None else self.last_step - self.step

    def must_end(self) -> bool:
        """Whether the last step was made, by `trainer.max_steps` or as the time is over."""
        if self._most_seconds is not None and self.is_late():
            self.last_step = self.step
        return self.last_step is not None and self.step >= self.last_step

    def time_is_over(self) -> bool:
        """Whether the run took its time, by the clock of this process."""
        most = self._most_seconds
        return most is not None and self.step > 0 and self.seconds_of(0) >= most

    def add_step(
        self,
        losses: Tensor,
        weight: Tensor | int,
        rates: ArrayLike,
        beside: Mapping[str, Tensor] = NOTHING,
    ) -> None:
        """Takes in the step just made, or the steps.

        Args:
            losses: of each slot, (slots,) or (steps, slots).
            weight: what they count in the epoch's loss; one number, or (slots,).
            rates: learning rates of that step, (slots,).
            beside: what a step of the user's own gave beside the losses, each (slots,).
        """
        if losses.ndim > 1:
            self._add_steps(losses, weight, rates)
            return
        self.step += 1
        self.batch += 1
        self.rates = rates  # type: ignore[assignment]  # a list of one is as good
        self._mark(self.losses.add(losses, weight, beside))

    def _add_steps(self, losses: Tensor, weight: Tensor | int, rates: ArrayLike) -> None:
        """One by one, where a run diverged: what was made after the last one's end counts not."""
        if not isinstance(weight, Tensor) and self.loss.add_all(losses, weight):
            self.step += len(losses)
            self.batch += len(losses)
            self.rates = rates  # type: ignore[assignment]
            return
        for own in losses:
            if not self.all_diverged:
                self.add_step(own, weight, rates)

    def settle(self) -> None:
        """Waits for the losses in flight and adds them up; one that is not finite ends its run."""
        self._mark(self.losses.settle())

    def check(self, finite: Mask) -> None:
        """Takes in which slots have finite weights; no loss has been seen since the last step."""
        self.settle()
        self._mark(self.losses.check(finite))

    def _mark(self, broken: Sequence[Broken]) -> None:
        """Notes where the runs that are broken stand; what only fills the engine is no run."""
        for slot, what, behind in broken:
            if slot < self.num_active:
                where = (
                    f"at step {self.step - behind} (epoch {self.epoch + 1}, "
                    f"batch {self.batch - behind}, lr {float(self.rates[slot]):g})"
                )
                error = Divergence(f"{what} {where}", self.epoch, self.step)
                self.diverged[self.runs[slot]] = error

    def train_means(self) -> dict[str, Column]:
        """Of the epoch's batches so far, by column: the loss, and what a step gives beside it."""
        self.settle()
        return self.losses.means()

    def begin_epoch(self) -> None:
        """Starts the clock of an epoch, or of what is left of it."""
        self.clock.begin_epoch(self.num_active)

    def close_epoch(self, row: Mapping[str, Column]) -> None:
        """Ends an epoch.

        Args:
            row: the losses and metrics of each slot, by column.
        """
        self.losses.clear()
        self.batch = 0
        told = None
        if self.diverged or len(self.configs) != self.num_runs:
            told = {slot: run for slot, run in enumerate(self.runs) if run not in self.diverged}
        seconds = round(self.clock.share(self.num_active), 9)
        self.history.add(self.epoch, self.step, row, self.rates, seconds, told)
        self.epoch += 1
        self.clock.close_epoch()

    def seconds_of(self, slot: int) -> float:
        """That a run's training took: its epochs, what was between them, and one not finished."""
        finished = float(
            self.history.columns["seconds"][: self.epochs_of(slot), self.runs[slot]].sum()
        )
        begun = self.clock.share(self.num_active) if self.batch else 0.0
        return finished + self.clock.between + begun

    def update_best(self, values: Column) -> Mask:
        """Takes in the monitored value of the epoch just closed; see `BestEpochs.update`."""
        return self.best.update(values, self.epoch, self.losses.finite)

    def _read_configs(self) -> None:
        trainers = [config.trainer for config in self.configs]
        self.fewest_epochs = min(one.epochs for one in trainers)
        self.may_stop_early = any(one.early_stopping.patience is not None for one in trainers)

    def epochs_of(self, slot: int) -> int:
        """Epochs that the run has finished."""
        diverged = self.diverged.get(self.runs[slot])
        return diverged.epochs if diverged else self.epoch

    def steps_of(self, slot: int) -> int:
        """Steps that the run has made."""
        diverged = self.diverged.get(self.runs[slot])
        return diverged.steps if diverged else self.step

    def rows(self, slot: int) -> list[HistoryRow]:
        """The rows of `history.csv` of a run."""
        return self.history.rows(self.runs[slot], self.epochs_of(slot))

    def last_row(self) -> HistoryRow:
        """The row of the epoch just closed, of the first run."""
        return self.history.last_row(self.runs[0], self.epoch)

    def select(self, slots: Sequence[int]) -> None:
        """Goes on with the runs in these slots; the last may be there twice, as an engine asks.

        Args:
            slots: of the runs that go on, and after those whatever fills the engine.
        """
        kept = list(slots)
        self.history.forget_rows()
        self.best.select(kept)
        self.runs = [self.runs[slot] for slot in dict.fromkeys(kept)]
        self.configs = [self.configs[slot] for slot in kept]
        self._read_configs()
        self.losses.select(kept)
        self.rates = np.asarray(self.rates)[kept]
