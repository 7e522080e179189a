"""Has a run of a stack make single steps on its own, from the weights that it has in the stack.

Rounding makes two paths part where training is chaotic, however right each step is. So the engines
are compared step by step: from the same weights, by the same batch, to weights that are the same
within rounding.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seedbed.models.frozen import set_training
from seedbed.runs.checkpoint import Checkpoint, copied
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.run_components import RunComponents
from seedbed.training.single import SingleEngine
from seedbed.training.training import Training

MOST_SAMPLES = 24
"""Steps that are made again, spread over the run; the first ones among them."""


@dataclass(frozen=True)
class Apart:
    """How far a step on its own may be from the same step in a stack.

    Args:
        of_step: weights, in parts of the step's own length.
        of_gradient: in parts of its largest number. Where a gradient is nothing else, an optimizer
            that divides by its size, as Adam does, makes a whole step of it.
        of_loss: in parts of it.
    """

    of_step: float
    of_gradient: float
    of_loss: float


BY_PRECISION = {
    None: Apart(of_step=1e-3, of_gradient=1e-6, of_loss=1e-4),
    torch.bfloat16: Apart(of_step=0.125, of_gradient=2.0**-8, of_loss=0.05),
}
"""Tried in bfloat16, of which a unit is 2**-8: steps were 0.07 apart at most, losses 0.007."""

PART_OF_WEIGHTS = 1e-6
"""How far weights may be apart in parts of their length, which float32 cannot tell apart."""

SMALLEST_LOSS = 1e-4


class OwnSteps(Forwarding):
    """Compares some steps of one run of a stack with the same steps of the run on its own.

    Args:
        recorder: hears of the stack.
        plan: of the run alone; its model and optimizer are changed.
        run: number of the run in the stack.
        steps: that it makes; 0 to compare none.
    """

    def __init__(self, recorder: Recorder, plan: RunComponents, run: int, steps: int) -> None:
        super().__init__(recorder)
        self.plan = plan
        self.run = run
        self.differences: list[str] = []
        self.compared = 0
        self._sampled = {steps * part // MOST_SAMPLES for part in range(MOST_SAMPLES)} | {1, 2, 4}
        self._before: Checkpoint | None = None
        if steps:
            model, optimizer = copied(plan.model.state_dict()), plan.optimizer.state_dict()
            self._before = {"model": model, "optimizer": optimizer}
        else:
            self._sampled = set()
        self._engine = SingleEngine(plan)
        self._apart = BY_PRECISION[plan.mixed_precision]
        self._loss_sum = 0.0

    def steps_left(self, step: int) -> int:
        """See `Recorder`."""
        return 1

    def step(self, training: Training) -> None:
        """Compares the step just made, and keeps what the next one starts from."""
        super().step(training)
        progress = training.progress
        if self.run not in progress.runs or self.run in progress.diverged:
            self._before = None
            return
        slot = progress.runs.index(self.run)
        if self._before is not None:
            self._compare(training, slot)
        self._before = None
        if progress.step in self._sampled:
            self._before = training.engine.checkpoint(slot, "last")
            self._loss_sum = progress.loss.of(slot)[0]

    def epoch(self, training: Training) -> None:
        """Keeps what the next step starts from anew: the end of an epoch moves schedules."""
        super().epoch(training)
        if self._before is not None:
            slot = training.progress.runs.index(self.run)
            self._before = training.engine.checkpoint(slot, "last")

    def _compare(self, training: Training, slot: int) -> None:
        assert self._before is not None
        plan, progress, number = self.plan, training.progress, training.progress.batch - 1
        before, settings = self._before["model"], self._before["optimizer"]
        now = training.engine.checkpoint(slot, "last")
        plan.model.load_state_dict(before)
        plan.optimizer.load_state_dict(copied(settings))
        set_training(plan.model, frozen_eval=plan.config.init.frozen_eval)
        x, y = next(iter(self._engine.batches(progress.epoch, number)))
        own_loss = float(self._engine.step(x, y))
        already = self._loss_sum if number else 0.0
        loss = (progress.loss.of(slot)[0] - already) / (float(self._engine.batch_weight(y)) or 1.0)
        here = copied(plan.model.state_dict())
        by_rounding = self._by_rounding(before, settings)
        self._judge(progress.step, before, now["model"], here, by_rounding)
        if abs(loss - own_loss) > self._apart.of_loss * max(abs(loss), SMALLEST_LOSS):
            self.differences.append(f"step {progress.step}: the loss is {own_loss:g}, was {loss:g}")
        self.compared += 1

    def _by_rounding(self, before: dict[str, Tensor], settings: dict[str, Any]) -> float:
        """How far the step just made comes out elsewhere if its gradient is rounded otherwise."""
        model, optimizer = self.plan.model, self.plan.optimizer
        parameters = [one for one in model.parameters() if one.grad is not None]
        here = _flat_of(parameters)
        gradients = _flat_of([one.grad for one in parameters if one.grad is not None])
        most = self._apart.of_gradient * float(gradients.abs().max()) if len(gradients) else 0.0
        model.load_state_dict(before)
        optimizer.load_state_dict(copied(settings))
        for one in parameters:
            assert one.grad is not None
            one.grad -= most * torch.where(one.grad < 0, -1.0, 1.0).to(one.grad.dtype)
        optimizer.step()
        return float((_flat_of(parameters) - here).norm())

    def _judge(
        self,
        step: int,
        before: dict[str, Tensor],
        stacked: dict[str, Tensor],
        own: dict[str, Any],
        by_rounding: float,
    ) -> None:
        start, there, here = (_flat_of(one.values()) for one in (before, stacked, own))
        length = float((there - start).norm())
        apart = float((there - here).norm())
        allowed = self._apart.of_step * length + PART_OF_WEIGHTS * float(start.norm()) + by_rounding
        if not apart <= allowed:
            self.differences.append(
                f"step {step}: the weights come out {apart:.3g} apart, the step is "
                f"{length:.3g} long"
            )


def _flat_of(tensors: Iterable[Tensor]) -> Tensor:
    """All of their numbers, in float64."""
    flat = [one.detach().cpu().double().reshape(-1) for one in tensors]
    return torch.cat(flat) if flat else torch.zeros(0)
