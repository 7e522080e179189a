"""The engine of one run: torch's own autograd, optimizer and schedule over one module."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import update_bn

from seedbed.data.batches import Batch
from seedbed.data.seeds import stream_seed
from seedbed.models.frozen import measured_anew, set_training
from seedbed.models.shared_values import kept_to_the_run
from seedbed.runs.checkpoint import Checkpoint, all_finite, copied, restore_random
from seedbed.training.accumulation import Weight, groups, shares, weight_of
from seedbed.training.anomaly import AnomalyWatch
from seedbed.training.arrays import NO, YES, Column, Mask
from seedbed.training.averaging import EMA, SWA, Average
from seedbed.training.compiling import CompiledForward, backend_of
from seedbed.training.device import process_settings
from seedbed.training.engine import Rows, Unseen, Which, at_each_step
from seedbed.training.forward import Forward
from seedbed.training.layer_chain import layer_chain
from seedbed.training.optimization import learning_rate
from seedbed.training.other_generators import restore_others
from seedbed.training.progress import Progress
from seedbed.training.run_components import RunComponents
from seedbed.training.single_state import copied_state, load_state, of_engine
from seedbed.training.step_norms import StepNorms, gradients_of, weights_of
from seedbed.training.training import Training

LOSSES_IN_FLIGHT = 32
"""On an accelerator the CPU waits for a loss only this often; it would wait for every one."""


def single_training(plan: RunComponents) -> Training:
    """One run that is ready to start."""
    return Training(SingleEngine(plan), progress_of(plan))


def progress_of(plan: RunComponents) -> Progress:
    """Of one run, at its start."""
    return Progress(
        [plan.config],
        1,
        monitor=plan.monitor,
        metric_names=plan.metric_names,
        step_names=plan.step_names,
        batches=plan.updates,
        is_sum=plan.head.is_sum,
        losses_in_flight=1 if plan.device.type == "cpu" else LOSSES_IN_FLIGHT,
    )


class SingleEngine:
    """See `Engine`; there is one slot.

    Args:
        plan: the parts of the run, which are trained in place.
        forward: measures splits; None for this process's own.
    """

    def __init__(self, plan: RunComponents, forward: Forward | None = None) -> None:
        trainer = plan.config.trainer
        self.plan = plan
        self.forward = forward or Forward(plan)
        self.name = "single"
        self.splits: Sequence[str] = list(plan.splits)
        self.model = plan.model
        self.head = plan.head
        self.optimizer = plan.optimizer
        self.schedule = plan.schedule
        self.accumulate = trainer.accumulate
        self.scaler = torch.amp.GradScaler(
            plan.device.type, enabled=plan.mixed_precision is torch.float16
        )
        rows = plan.train.batch_size
        self.average = self._average() if trainer.select in (EMA, SWA) else None
        self.watch = AnomalyWatch(plan.model) if trainer.detect_anomaly else None
        self.compiled = (
            CompiledForward(plan.model, rows, backend_of(trainer)) if trainer.compile else None
        )
        self.chain = layer_chain(plan)
        self.norms = StepNorms() if trainer.log_gradients else None
        self.beside: dict[str, Tensor] = {}
        self._parameters = [p.detach() for p in self.model.parameters()]
        self._learning = [p for group in self.optimizer.param_groups for p in group["params"]]
        self._clears_itself = type(self.optimizer).zero_grad is not Optimizer.zero_grad
        self._best: Checkpoint = {}
        self._last: Checkpoint | None = None
        self._random: dict[str, Tensor] | None = None

    def _average(self) -> Average:
        return Average(self.model, self.plan.config.trainer, self._measure_batches)

    @property
    def anomaly(self) -> str:
        """See `Engine`."""
        return self.watch.found if self.watch is not None else ""

    @contextmanager
    def settings(self) -> Iterator[None]:
        """See `Engine`."""
        plan, seed = self.plan, stream_seed(self.plan.config.seed, "training")
        with (
            process_settings(plan.config.trainer, plan.device, seed, plan.threads),
            kept_to_the_run(plan.packages, seed),
            self.watch.watching() if self.watch is not None else nullcontext(),
            self.compiled.settings() if self.compiled is not None else nullcontext(),
            plan.reader.lasting(),
        ):
            if self._random is not None:
                restore_random(self._random, plan.device)
                restore_others(self._random)
            self._set_training()
            yield

    def _set_training(self) -> None:
        set_training(self.model, frozen_eval=self.plan.config.init.frozen_eval)

    def batches(self, epoch: int, start: int, unseen: Unseen = at_each_step) -> Iterator[Rows]:
        """See `Engine`."""
        if self.accumulate == 1:
            return self.plan.train.epoch(epoch, start)
        return groups(self.plan.train.epoch(epoch, start * self.accumulate), self.accumulate)

    def step(self, x: Any, y: Any) -> Tensor:
        """See `Engine`.

        Shape:
            x (batch, …), y (batch, …), or tuples of them -> (1,)
        """
        batches = [(x, y)] if self.accumulate == 1 else list(zip(x, y, strict=True))
        self._clear_gradients()
        self.beside = {}
        with self.compiled.in_place() if self.compiled is not None else nullcontext():
            loss = self.gradients(batches)
        if self.watch is not None and not self.scaler.is_enabled():
            self.watch.look_at_gradients(loss)
        self._update()
        if self.average is not None:
            self.average.after_update()
        if self.watch is not None:
            self.watch.look_at_weights()
        return loss.view(1)

    def _clear_gradients(self) -> None:
        """As torch's `zero_grad`, which spends a twentieth of a small step on its profiler."""
        if self._clears_itself:
            self.optimizer.zero_grad()
            return
        for parameter in self._learning:
            parameter.grad = None

    def gradients(self, batches: Sequence[Batch]) -> Tensor:
        """Puts the gradients of all rows of batches into the parameters.

        Returns:
            Their loss, ().
        """
        if len(batches) == 1:
            if self.chain is None:
                return self._of_share(*batches[0])
            return self.chain.gradients(*batches[0], self._of_share)
        # Those of ignored rows alone have no loss, and no share.
        parts = zip(batches, shares(self.head, [y for _, y in batches]), strict=True)
        return torch.stack([self._of_share(*one, part) for one, part in parts if part != 0]).sum()

    def _of_share(self, x: Any, y: Tensor, share: Weight | None = None) -> Tensor:
        """Adds what a batch's share of an update has of gradients; the same share of its loss."""
        loss = self.forward.loss(x, y)
        if share is not None:
            loss = loss * share
        for name, value in self.forward.beside.items():
            one = (value if share is None else value * share).view(1)
            self.beside[name] = self.beside[name] + one if name in self.beside else one
        self.scaler.scale(loss).backward()
        return loss.detach()

    def _update(self) -> None:
        """The gradients, clipped, become a step; the scaler, where it is off, changes nothing."""
        trainer = self.plan.config.trainer
        norms = self.norms if self.norms is not None and self.norms.due else None
        if norms or (trainer.gradient_clip, trainer.gradient_clip_value) != (None, None):
            self.scaler.unscale_(self.optimizer)
        if norms is not None:
            norms.before_update(gradients_of(self.model), weights_of(self.model))
        if trainer.gradient_clip_value is not None:
            nn.utils.clip_grad_value_(self._clipped(), trainer.gradient_clip_value)
        if trainer.gradient_clip is not None:
            self._clip_norm(trainer.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if norms is not None:
            norms.after_update(weights_of(self.model))

    def _clipped(self) -> Sequence[Tensor]:
        """The parameters whose gradients are clipped."""
        return list(self.model.parameters())

    def _clip_norm(self, largest: float) -> None:
        nn.utils.clip_grad_norm_(self._clipped(), largest)

    def batch_weight(self, y: Any) -> Tensor | int:
        """See `Engine`."""
        if self.accumulate == 1:
            return self.head.batch_weight(y)
        weight: Tensor | int = weight_of(self.head, y)
        return weight

    def learning_rates(self) -> Sequence[float]:
        """See `Engine`."""
        return [learning_rate(self.optimizer)]

    def end_batch(self) -> None:
        """See `Engine`."""
        self.schedule.after_batch()

    def end_epoch(self, monitored: Column) -> None:
        """See `Engine`."""
        self.schedule.after_epoch(float(monitored[0]))

    def finite(self) -> Mask:
        """See `Engine`."""
        return YES if all_finite(self._parameters) else NO

    def average_epoch(self, epoch: int) -> None:
        """See `Engine`."""
        if self.average is not None:
            self.average.after_epoch(epoch)

    def _measure_batches(self) -> None:
        """Measures the statistics of batches anew, over the training rows."""
        frozen, form = self.plan.config.init.frozen_eval, self.plan.data.preprocessing.row_form
        with self.forward.precision():
            if frozen or not form.is_single:
                measured_anew(self.plan.train.epoch(0), self.model, frozen_eval=frozen)
            else:
                update_bn(self.plan.train.epoch(0), self.model)

    def evaluate(self, split: str, weights: object = None) -> dict[str, Column]:
        """See `Engine`."""
        with self.average.in_place() if self.average is not None else nullcontext():
            self.model.eval()
            with self.head.measuring():
                measured = self.forward.measured(self.plan.splits[split])
            self._set_training()
        return {name: np.array([value]) for name, value in measured.items()}

    def remember_best(self, slots: Mask) -> None:
        """See `Engine`."""
        if slots[0]:
            self._best = self._state(self._best)

    def _state(self, into: Checkpoint) -> Checkpoint:
        return copied_state(self.plan, self._weights(), self.scaler, self.average, into)

    def _weights(self) -> Mapping[str, Any]:
        """The `state_dict` of the model, as this process holds it."""
        return self.model.state_dict()

    def _take_weights(self, weights: Mapping[str, Any]) -> None:
        """Puts what `_weights` gave into the model."""
        self.model.load_state_dict(weights)

    def final_weights(self, best: Mask) -> None:
        """See `Engine`; the module itself holds them."""
        self._last = self._state({})
        if best[0]:
            self._take_weights(self._best["model"])
            if "loss" in self._best:
                self.head.loss_function.load_state_dict(self._best["loss"])
        if self.average is not None:
            if best[0]:
                self.average.load_state_dict(self._best["average"])
            self.average.put_in_place()
            self.average = None

    def state_dict(self, slot: int, weights: object) -> dict[str, Any]:
        """See `Engine`."""
        state: dict[str, Any] = copied(self._weights())
        return state

    def checkpoint(self, slot: int, which: Which) -> Checkpoint:
        """See `Engine`."""
        state = self._best if which == "best" else self._last or self._state({})
        return {**state}

    def restore(self, last: Sequence[Checkpoint], best: Sequence[Checkpoint]) -> None:
        """See `Engine`."""
        (snapshot,), (best_one,) = last, best
        load_state(self.plan, self.scaler, snapshot)
        self._take_weights(snapshot["model"])
        if self.average is not None:
            self.average.load_state_dict(snapshot["average"])
        self._random = snapshot["random"]
        # Going on from a stack's checkpoint gives the bits of neither engine alone.
        self.name = snapshot.get("engine", self.name)
        self._best = of_engine(best_one)

    def select(self, slots: Sequence[int]) -> Sequence[int]:
        """See `Engine`; there is no other run to go on with."""
        return slots
