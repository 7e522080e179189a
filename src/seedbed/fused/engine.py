"""The engine of many runs: their weights side by side, one computation for a step of all."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from seedbed.data.seeds import stream_seed
from seedbed.fused.accumulation import accumulated
from seedbed.fused.averaging import StackedAverage
from seedbed.fused.clipping import Clipping
from seedbed.fused.compiled.steps import CompiledSteps, Compiling, Several
from seedbed.fused.evaluation import evaluated
from seedbed.fused.flat import Named
from seedbed.fused.stack_components import NARROWEST, StackComponents
from seedbed.fused.state import FlatState, flat_state
from seedbed.runs.checkpoint import SHARED, Checkpoint, random_state, restore_random
from seedbed.training.accumulation import groups, weight_of
from seedbed.training.arrays import Column, Mask
from seedbed.training.averaging import EMA, SWA
from seedbed.training.device import process_settings
from seedbed.training.engine import Rows, Unseen, Which, at_each_step
from seedbed.training.progress import Progress
from seedbed.training.step_norms import StepNorms
from seedbed.training.training import Training

NEVER = Compiling()

COMPILER_SECONDS = 2.0
"""That a compiler may take after the last step; the next sweep has the library then."""


def fused_training(plan: StackComponents, num_runs: int, compiling: Compiling = NEVER) -> Training:
    """Runs that are ready to start together.

    Args:
        plan: built for them.
        num_runs: how many they are; the plan of one has it twice.
        compiling: whether their steps are compiled.
    """
    progress = Progress(
        plan.configs,
        num_runs,
        monitor=plan.first.monitor,
        metric_names=plan.first.metric_names,
        step_names=plan.first.step_names,
        batches=plan.first.updates,
        is_sum=plan.first.head.is_sum,
    )
    return Training(FusedEngine(plan, compiling), progress)


class FusedEngine:
    """See `Engine`.

    The last run left takes two slots, so that its bits do not depend on when the others ended.

    Args:
        plan: built for all of the runs; its weights are trained in place.
        compiling: whether steps are compiled.
    """

    name = "fused"
    anomaly = ""

    def __init__(self, plan: StackComponents, compiling: Compiling = NEVER) -> None:
        self.plan = plan
        self.splits: Sequence[str] = list(plan.splits)
        self.configs = list(plan.configs)
        self.heads = list(plan.heads)
        self.tables = dict(plan.splits)
        self.weights = plan.weights
        self.buffers = plan.buffers
        self.optimizer = plan.optimizer()
        self.average = self._fresh_average()
        self.best = self.now.clone()
        self.accumulate = plan.configs[0].trainer.accumulate
        self.beside: Named = {}
        self._clip = Clipping(self.configs, self.weights.device)
        self.norms = StepNorms() if plan.configs[0].trainer.log_gradients else None
        self._random: dict[str, Tensor] = {}
        plan.model.written.captures = plan.device.type == "cuda" and compiling.mode == "always"
        self.compiled = CompiledSteps(self, NEVER if plan.model.written.captures else compiling)

    @property
    def now(self) -> FlatState:
        """The state of every slot; later steps change it."""
        steps = np.full(len(self.configs), self.optimizer.steps)
        schedules = self.plan.schedules.states()
        state = FlatState(self.weights, self.buffers, self.optimizer.state, schedules, steps)
        if self.average is not None:
            state.average, state.averaged = self.average.rows, self.average.counts
        return state

    def _fresh_average(self) -> StackedAverage | None:
        trainers = [config.trainer for config in self.configs]
        if trainers[0].select not in (EMA, SWA):
            return None
        counts = np.zeros(len(trainers), dtype=np.int64)
        return StackedAverage(trainers, self.weights.clone(), counts)

    @property
    def looks_at_steps(self) -> bool:
        """Whether each step's weights are taken into an average, so that steps come one by one."""
        return self.average is not None and self.average.by_update

    @property
    def _measures(self) -> bool:
        """Whether the next step is measured, so that torch makes it."""
        return self.norms is not None and self.norms.due

    @contextmanager
    def settings(self) -> Iterator[None]:
        """See `Engine`; the runs draw from one generator together."""
        first = self.plan.configs[0]
        seed = stream_seed(first.seed, "training")
        with process_settings(first.trainer, self.plan.device, seed, self.plan.threads):
            if self._random:
                restore_random(self._random, self.plan.device)
            try:
                yield
                self.compiled.stop(seconds=COMPILER_SECONDS)
            finally:
                self.compiled.stop()

    def batches(self, epoch: int, start: int, unseen: Unseen = at_each_step) -> Iterator[Rows]:
        """See `Engine`."""
        if self.accumulate > 1:
            start *= self.accumulate
            yield from groups(self.plan.batches.epoch(epoch, start), self.accumulate)
            return
        batch = start
        while batch < self.plan.batches.batches:
            several = self.compiled.several(epoch, batch, unseen())
            if several and not self._measures:
                yield several, several
                batch += several.steps
                continue
            for x, y in self.plan.batches.epoch(epoch, batch):
                yield x, y
                batch += 1
                if self.compiled.several(epoch, batch, 1):
                    break

    def step(self, x: Any, y: Any) -> Tensor:
        """See `Engine`.

        Shape:
            x (slots, batch, …), y (slots, batch, …), or tuples of them -> (slots,), or of several
            (steps, slots)
        """
        losses = self.compiled.make(x) if isinstance(x, Several) else self._stepped(x, y)
        if self.average is not None:
            self.average.after_update(self.weights)
        return losses

    def _stepped(self, x: Any, y: Any) -> Tensor:
        with torch.no_grad():
            if self.accumulate > 1:
                head = self.heads[0]
                gradient, losses, self.beside = accumulated(
                    self._gradient, self.weights, head, x, y, lambda: self.plan.model.beside
                )
                self._update(gradient)
                return losses
            beside = self.compiled.beside(x.shape[1])
            gradient, losses = self._gradient(x, y)
            self._update(gradient)
            self.compiled.after(x.shape[1], losses, beside)
            self.beside = self.plan.model.beside
        return losses

    def _gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        model = self.plan.model
        gradient, losses, self.buffers = model.gradient(self.weights, self.buffers, x, y)
        return gradient, losses

    def _update(self, gradient: Tensor) -> None:
        norms, views = self.norms, self.plan.layout.views
        measured = norms if norms is not None and norms.due else None
        if measured is not None:
            measured.before_update(views(gradient), views(self.weights))
        self.optimizer.step(self.weights, self._clip(gradient), self.plan.schedules.numbers)
        if measured is not None:
            measured.after_update(views(self.weights))

    def batch_weight(self, y: Any) -> Tensor | int:
        """See `Engine`."""
        if self.accumulate > 1:
            weight: Tensor | int = weight_of(self.heads[0], y, stacked=True)
            return weight
        if isinstance(y, Several):
            return 1 if self.heads[0].is_sum else y.batch
        return self.heads[0].batch_weight(y, stacked=True)

    def learning_rates(self) -> ArrayLike:
        """See `Engine`."""
        return self.plan.schedules.lr.copy()

    def end_batch(self) -> None:
        """See `Engine`."""
        self.plan.schedules.after_batch()

    def end_epoch(self, monitored: Column) -> None:
        """See `Engine`."""
        self.plan.schedules.after_epoch(monitored)

    def finite(self) -> Mask:
        """See `Engine`."""
        # Whatever is not finite reaches the sum, which is cheaper than looking at each.
        if math.isfinite(self.weights.sum().item()):
            return np.ones(len(self.weights), dtype=np.bool_)
        # Between parameters are numbers that no one uses: with eps=0 Adam makes 0 / 0 of them.
        each = self.plan.layout.views(self.weights.isfinite()).values()
        finite = torch.stack([one.reshape(len(one), -1).all(dim=1) for one in each]).all(dim=0)
        return np.asarray(finite.cpu().numpy())

    def average_epoch(self, epoch: int) -> None:
        """See `Engine`."""
        if self.average is not None:
            self.average.after_epoch(self.weights, epoch)

    def evaluate(self, split: str, weights: FlatState | None = None) -> dict[str, Column]:
        """See `Engine`."""
        state = weights or self.now.measured()
        batch_size = self.plan.first.splits[split].batch_size
        table = self.tables[split]
        return evaluated(self.plan, self.heads, table, batch_size, state.weights, state.buffers)

    def remember_best(self, slots: Mask) -> None:
        """See `Engine`."""
        self.best.copy(slots, self.now)

    def final_weights(self, best: Mask) -> FlatState:
        """See `Engine`."""
        final = self.now.without_optimizer().clone()
        final.copy(best, self.best.without_optimizer())
        return final.measured()

    def state_dict(self, slot: int, weights: FlatState) -> dict[str, Any]:
        """See `Engine`."""
        return weights.state_dict(self.plan.layout, slot)

    def checkpoint(self, slot: int, which: Which) -> Checkpoint:
        """See `Engine`."""
        state = self.best if which == "best" else self.now
        seed = stream_seed(self.configs[slot].seed, "training")
        layout = self.plan.layout
        checkpoint: Checkpoint = {
            "engine": self.name,
            **state.checkpoint(layout, self.optimizer, slot, seed),
        }
        if which == "last" and self.plan.model.randomness != "error":
            shared = random_state(self.plan.device)
            checkpoint["random"] |= {SHARED + device: one for device, one in shared.items()}
        return checkpoint

    def restore(self, last: Sequence[Checkpoint], best: Sequence[Checkpoint]) -> None:
        """See `Engine`."""
        layout, fresh = self.plan.layout, self.now
        now, self.best = (flat_state(layout, each, fresh) for each in (last, best))
        self._take(now)
        self.optimizer.steps = int(now.steps[0])
        self.plan.schedules.restore(now.schedules)
        shared = {k: one for k, one in last[0]["random"].items() if k.startswith(SHARED)}
        self._random = {k.removeprefix(SHARED): one for k, one in shared.items()}

    def select(self, slots: Sequence[int]) -> Sequence[int]:
        """See `Engine`."""
        slots = list(slots) if len(slots) >= NARROWEST else [slots[0]] * NARROWEST
        index = torch.tensor(slots, device=self.weights.device)
        now, self.best = (one.select(self.plan.layout, slots) for one in (self.now, self.best))
        self.configs = [self.configs[slot] for slot in slots]
        self._take(now)
        self.heads = [self.heads[slot] for slot in slots]
        self.tables = {name: table.keep(index) for name, table in self.tables.items()}
        self.plan.batches.keep(slots)
        self.plan.schedules.keep(slots)
        self.plan.model.written.forget()
        self.compiled.forget()
        self._clip = Clipping(self.configs, self.weights.device)
        return slots

    def _take(self, state: FlatState) -> None:
        """Goes on with tensors."""
        self.weights, self.buffers, self.optimizer.state = (
            state.weights,
            state.buffers,
            state.optimizer,
        )
        if state.average is not None:
            trainers = [config.trainer for config in self.configs]
            self.average = StackedAverage(trainers, state.average, state.averaged)
