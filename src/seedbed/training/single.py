"""The engine of one run: torch's own autograd, optimizer and schedule over one module."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seedbed.data.batches import Batch
from seedbed.data.seeds import stream_seed
from seedbed.models.build import output_of
from seedbed.models.shared_values import kept_to_the_run
from seedbed.runs.checkpoint import Checkpoint, all_finite, copied, random_state, restore_random
from seedbed.training.arrays import NO, YES, Column, Mask
from seedbed.training.device import autocast, process_settings
from seedbed.training.engine import Unseen, Which, at_each_step
from seedbed.training.evaluation import over_pieces
from seedbed.training.optimization import learning_rate
from seedbed.training.other_generators import others_state, restore_others
from seedbed.training.progress import Progress
from seedbed.training.run_components import RunComponents
from seedbed.training.training import Training

LOSSES_IN_FLIGHT = 32
"""On an accelerator the CPU waits for a loss only this often; it would wait for every one."""


def single_training(plan: RunComponents) -> Training:
    """One run that is ready to start."""
    progress = Progress(
        [plan.config],
        1,
        monitor=plan.monitor,
        metric_names=plan.metric_names,
        batches=len(plan.train),
        is_sum=plan.head.is_sum,
        losses_in_flight=1 if plan.device.type == "cpu" else LOSSES_IN_FLIGHT,
    )
    return Training(SingleEngine(plan), progress)


class SingleEngine:
    """See `Engine`; there is one slot.

    Args:
        plan: the parts of the run, which are trained in place.
    """

    def __init__(self, plan: RunComponents) -> None:
        self.plan = plan
        self.name = "single"
        self.splits: Sequence[str] = list(plan.splits)
        self.model = plan.model
        self.head = plan.head
        self.optimizer = plan.optimizer
        self.schedule = plan.schedule
        self.gradient_clip = plan.config.trainer.gradient_clip
        self.scaler = torch.amp.GradScaler(
            plan.device.type, enabled=plan.mixed_precision is torch.float16
        )
        self._parameters = [p.detach() for p in self.model.parameters()]
        self._best: Checkpoint = {}
        self._last: Checkpoint | None = None
        self._random: dict[str, Tensor] | None = None

    @contextmanager
    def settings(self) -> Iterator[None]:
        """See `Engine`."""
        plan, seed = self.plan, stream_seed(self.plan.config.seed, "training")
        with (
            process_settings(plan.config.trainer, plan.device, seed, plan.threads),
            kept_to_the_run(plan.packages, seed),
        ):
            if self._random is not None:
                restore_random(self._random, plan.device)
                restore_others(self._random)
            self.model.train()
            yield

    def batches(self, epoch: int, start: int, unseen: Unseen = at_each_step) -> Iterator[Batch]:
        """See `Engine`."""
        return self.plan.train.epoch(epoch, start)

    def step(self, x: Tensor, y: Tensor) -> Tensor:
        """See `Engine`.

        Shape:
            x (batch, …), y (batch, …) -> (1,)
        """
        self.optimizer.zero_grad()
        with self._precision():
            loss = self.head.loss(output_of(self.model(x)), y)
        if self.scaler.is_enabled():
            self._scaled_update(loss)
        else:
            loss.backward()
            self._clip()
            self.optimizer.step()
        return loss.detach().view(1)

    def _scaled_update(self, loss: Tensor) -> None:
        self.scaler.scale(loss).backward()
        if self.gradient_clip is not None:
            self.scaler.unscale_(self.optimizer)
        self._clip()
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _clip(self) -> None:
        if self.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.gradient_clip)

    def _precision(self) -> AbstractContextManager[object]:
        """Where mixed precision applies."""
        return autocast(self.plan.mixed_precision, self.plan.device)

    def batch_weight(self, y: Tensor) -> Tensor | int:
        """See `Engine`."""
        return self.head.batch_weight(y)

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

    def evaluate(self, split: str, weights: object = None) -> dict[str, Column]:
        """See `Engine`."""

        def outputs_of(x: Tensor) -> Tensor:
            with self._precision():
                return output_of(self.model(x))

        def loss(output: Tensor, y: Tensor) -> float:
            with self._precision():
                return self.head.loss(output, y).item()

        self.model.eval()
        pieces = self.plan.splits[split].epoch(0)
        measured = over_pieces(pieces, outputs_of, loss, self.head.metrics)
        self.model.train()
        return {name: np.array([value]) for name, value in measured.items()}

    def remember_best(self, slots: Mask) -> None:
        """See `Engine`."""
        if slots[0]:
            self._best = self._state(self._best)

    def _state(self, into: Checkpoint) -> Checkpoint:
        """A copy of all that training changes; `into` as in `checkpoint.copied`."""
        scheduler, loss = self.schedule.scheduler, self.head.state
        others = others_state() if self.plan.packages else {}
        state: Checkpoint = {"loss": copied(loss, into.get("loss"))} if loss else {}
        return {
            **state,
            "model": copied(self.model.state_dict(), into.get("model")),
            "optimizer": copied(self.optimizer.state_dict(), into.get("optimizer")),
            "scheduler": copied(scheduler.state_dict()) if scheduler is not None else None,
            "scaler": self.scaler.state_dict(),
            "random": {**random_state(self.plan.device), **others},
        }

    def final_weights(self, best: Mask) -> None:
        """See `Engine`; the module itself holds them."""
        self._last = self._state({})
        if best[0]:
            self.model.load_state_dict(self._best["model"])
            if "loss" in self._best:
                self.head.loss_function.load_state_dict(self._best["loss"])

    def state_dict(self, slot: int, weights: object) -> dict[str, Any]:
        """See `Engine`."""
        state: dict[str, Any] = copied(self.model.state_dict())
        return state

    def checkpoint(self, slot: int, which: Which) -> Checkpoint:
        """See `Engine`."""
        state = self._best if which == "best" else self._last or self._state({})
        return {**state}

    def restore(self, last: Sequence[Checkpoint], best: Sequence[Checkpoint]) -> None:
        """See `Engine`."""
        (snapshot,), (best_one,) = last, best
        scheduler, saved = self.schedule.scheduler, snapshot["scheduler"] or {}
        self.optimizer.load_state_dict(snapshot["optimizer"])
        if scheduler is not None:
            if set(saved) != set(scheduler.state_dict()):
                raise ValueError("the scheduler is another")  # it would take any attribute
            scheduler.load_state_dict(saved)
        self.scaler.load_state_dict(snapshot["scaler"])
        if self.head.state:
            self.head.loss_function.load_state_dict(snapshot["loss"])
        self.model.load_state_dict(snapshot["model"])
        self._random = snapshot["random"]
        # Going on from a stack's checkpoint gives the bits of neither engine alone.
        self.name = snapshot.get("engine", self.name)
        self._best = {**best_one}
        for key in ("format", "state", "events", "engine"):
            self._best.pop(key, None)  # type: ignore[misc]  # these are told anew

    def select(self, slots: Sequence[int]) -> Sequence[int]:
        """See `Engine`; there is no other run to go on with."""
        return slots
