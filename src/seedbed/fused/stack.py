"""The runs of a stack while they are trained: their weights, and how far each has come."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seedbed.fused.best import Good
from seedbed.fused.evaluation import Column, evaluated
from seedbed.fused.flat import Named
from seedbed.fused.optimizers import BATCHED, clip_gradient
from seedbed.fused.plan import NARROWEST, StackPlan
from seedbed.fused.schedules import Standing
from seedbed.training.monitoring import undefined_note
from seedbed.training.state import Best, Diverged


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


class Stack:
    """Runs in training.

    A run that ends leaves its place; `runs` says which run is in which. The last run standing takes
    two places, so that its bits do not depend on when the others ended.

    Args:
        plan: built for all of them.
        real: how many they are; the plan of one has it twice.
    """

    def __init__(self, plan: StackPlan, real: int) -> None:
        self.plan = plan
        self.runs = list(range(real))
        self.weights = plan.weights
        self.kept = plan.kept
        self.optimizer = BATCHED[plan.configs[0].optimizer["_target_"]](plan.configs[0].optimizer)
        self.configs = list(plan.configs)
        self.heads = list(plan.heads)
        self.parts = dict(plan.parts)
        self.good = Good(plan.best, self.weights, self.kept, plan.schedules.standings())
        self.epoch = self.batch = self.step = 0
        places = len(self.configs)
        self.loss_sum = torch.zeros(places, dtype=torch.float64, device=plan.device)
        self.rows_seen = torch.zeros_like(self.loss_sum)
        self.rates = plan.schedules.lr.copy()
        self.finite = torch.ones(places, dtype=torch.bool, device=plan.device)
        self.diverged: dict[int, Divergence] = {}
        self.undefined: dict[int, str] = {}
        epochs = max(config.trainer.epochs for config in plan.configs)
        self.history = {name: np.full((epochs, real), math.nan) for name in self.columns}
        self.times = np.zeros(epochs)
        self._clip = self._largest_norms()

    @property
    def columns(self) -> list[str]:
        """Of `history.csv`, without epoch and step."""
        return [*self.plan.metric_names, "lr", "seconds"]

    @property
    def real(self) -> int:
        """Runs that are still in training."""
        return len(self.runs)

    def learn(self, x: Tensor, y: Tensor) -> None:
        """One step of every run.

        Shape:
            x (runs, batch, …), y (runs, batch, …)
        """
        plan = self.plan
        with torch.no_grad():
            gradient, losses, self.kept = plan.model.gradient(self.weights, self.kept, x, y)
            if self._clip is not None:
                gradient = clip_gradient(gradient, self._clip)
            self.optimizer.step(self.weights, gradient, plan.schedules.numbers)
            self.step += 1
            self.batch += 1
            self.rates = plan.schedules.lr.copy()
            self._record(losses, y)
        plan.schedules.after_batch()

    def _record(self, losses: Tensor, y: Tensor) -> None:
        """Takes in the losses; a run whose loss is not finite has diverged, the others go on."""
        finite = losses.isfinite()
        if not bool(finite.all()):
            for place in (self.finite & ~finite).nonzero().flatten().tolist():
                self._diverge(place, f"train/loss is {losses[place].item()}")
        weight = self.heads[0].batch_weight(y, stacked=True)
        self.loss_sum += losses.double() * weight
        self.rows_seen += weight

    def check_weights(self) -> None:
        """Looks at the weights themselves; no loss has been told since the last step."""
        sums = self.weights.sum(dim=1)
        if not bool(sums.isfinite().all()):
            finite = self.weights.isfinite().all(dim=1)
            for place in (self.finite & ~finite).nonzero().flatten().tolist():
                self._diverge(place, "a weight is infinite or NaN")

    def _diverge(self, place: int, what: str) -> None:
        self.finite[place] = False
        if place < self.real:
            lr = float(self.rates[place])
            error = Diverged(what, self.step, self.epoch + 1, self.batch, lr)
            self.diverged[self.runs[place]] = Divergence(str(error), self.epoch, self.step)

    @property
    def all_diverged(self) -> bool:
        """Whether no run is worth another step."""
        return len(self.diverged) > 0 and all(run in self.diverged for run in self.runs)

    def best_of(self, place: int, *, at_best: bool = False) -> Best:
        """How a single run has it; `at_best` is when it was the best."""
        best, good = self.plan.best, self.good
        value, epoch = float(good.value[place]), int(good.epoch[place])
        since = int(good.since[place])
        if at_best:
            since = 0 if epoch else int(good.copied_at[place])
        delta = self.configs[place].trainer.early_stopping.min_delta
        return Best(best.monitor, best.higher_is_better, delta, value, epoch, since)

    def close_epoch(self, began: float) -> str | None:
        """Measures the validation rows, moves the schedules on, and adds to the histories.

        Returns:
            What is to be said of runs whose monitored value is no number; None if nothing.
        """
        self.check_weights()
        row: dict[str, Column] = {"lr": self.rates}
        is_sum = self.heads[0].is_sum
        means = self.loss_sum if is_sum else self.loss_sum / self.rows_seen
        row["train/loss"] = means.clone().cpu().numpy()
        if "validation" in self.parts:
            found = self.evaluate(self.weights, self.kept, "validation")
            row |= {f"val/{name}": values for name, values in found.items()}
        self.plan.schedules.after_epoch(row[self.plan.best.monitor].tolist())
        self.loss_sum.zero_()
        self.rows_seen.zero_()
        self.batch = 0
        share = round((time.perf_counter() - began) / self.real, 9)
        row["seconds"] = np.full(len(row["lr"]), share)
        alive = [place for place in range(self.real) if self.runs[place] not in self.diverged]
        for name, values in row.items():
            self.history[name][self.epoch, [self.runs[at] for at in alive]] = values[alive]
        self.times[self.epoch] = time.time()
        self.epoch += 1
        due = self.good.update(row[self.plan.best.monitor], self.epoch, self.deltas, self.finite)
        self.good.copy(due, self.weights, self.kept, self.optimizer.state, self._standings())
        return self._undefined(row)

    def _undefined(self, row: Mapping[str, Column]) -> str | None:
        """A note for the runs of which it is the first; they are told with the first of them."""
        monitor = self.plan.best.monitor
        places = [
            place
            for place in (~np.isfinite(row[monitor])).nonzero()[0].tolist()
            if place < self.real and self.runs[place] not in (self.diverged | self.undefined)
        ]
        if not places:
            return None
        for place in places:
            from_start = not self.good.epoch[place]
            own = {name: float(values[place]) for name, values in row.items()}
            self.undefined[self.runs[place]] = undefined_note(
                monitor, {**own, "epoch": self.epoch}, from_start=from_start
            )
        return f"{len(places)} of {self.real} runs: {self.undefined[self.runs[places[0]]]}"

    @property
    def deltas(self) -> Column:
        """The least change that counts, of each run."""
        return np.array([one.trainer.early_stopping.min_delta for one in self.configs])

    def epochs_of(self, place: int) -> int:
        """The epochs that a run has finished."""
        diverged = self.diverged.get(self.runs[place])
        return diverged.epochs if diverged else self.epoch

    def ended(self) -> list[int]:
        """The places of runs that are done: diverged, at their last epoch, or stopped early."""
        return [place for place in range(self.real) if self._is_done(place)]

    def stopped_early(self, place: int) -> bool:
        """Whether the run's early stopping says so."""
        patience = self.configs[place].trainer.early_stopping.patience
        return patience is not None and int(self.good.since[place]) >= patience

    def _is_done(self, place: int) -> bool:
        return (
            self.runs[place] in self.diverged
            or self.epoch >= self.configs[place].trainer.epochs
            or self.stopped_early(place)
        )

    def evaluate(self, weights: Tensor, kept: Named, part: str) -> dict[str, Column]:
        """The loss and the metrics of each run over a part of the data.

        Shape:
            weights (runs, width), kept each (runs, …) -> each (runs,)
        """
        plan = self.plan
        piece = plan.first.parts[part].batch_size
        return evaluated(plan, self.heads, self.parts[part], piece, weights, kept)

    def keep(self, places: Sequence[int]) -> None:
        """Goes on with the runs in these places."""
        self.runs = [self.runs[place] for place in places]
        places = list(places) if len(places) >= NARROWEST else [places[0]] * NARROWEST
        index = torch.tensor(places, device=self.weights.device)
        self.weights = self.weights[index]
        self.kept = {name: tensor[index] for name, tensor in self.kept.items()}
        self.optimizer.state = {n: rows[index] for n, rows in self.optimizer.state.items()}
        self.loss_sum, self.rows_seen = self.loss_sum[index], self.rows_seen[index]
        self.finite, self.rates = self.finite[index], self.rates[list(places)]
        self.configs = [self.configs[place] for place in places]
        self.heads = [self.heads[place] for place in places]
        self.parts = {name: table.keep(index) for name, table in self.parts.items()}
        self.plan.batches.keep(places)
        self.plan.schedules.keep(places)
        self.plan.model.forget()
        self.good.keep(places)
        self._clip = self._largest_norms()

    def _standings(self) -> list[Standing]:
        return list(self.plan.schedules.standings()) if self.plan.schedules.moves else []

    def _largest_norms(self) -> Tensor | None:
        norms = [config.trainer.gradient_clip for config in self.configs]
        if all(norm is None for norm in norms):
            return None
        filled = [math.inf if norm is None else norm for norm in norms]
        return torch.tensor(filled, device=self.weights.device)[:, None]
