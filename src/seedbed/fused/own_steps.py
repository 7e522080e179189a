"""Has a run of a stack make single steps on its own, from the weights that it has in the stack.

Rounding makes two paths part where training is chaotic, however right each step is. So the engines
are compared step by step: from the same weights, by the same batch, to weights that are the same
within rounding.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from seedbed.fused.snapshots import last_snapshot, state_dict
from seedbed.fused.stack import Stack
from seedbed.fused.train import Ended, StackRecorder
from seedbed.runs.checkpoint import copied
from seedbed.training.plan import Plan

MOST_SAMPLES = 24
"""Steps that are made again, spread over the run; the first ones among them."""

PART_OF_STEP = 1e-3
"""How far two steps may be apart, in parts of the step's own length."""

PART_OF_WEIGHTS = 1e-6
"""The same in parts of the weights' length, which float32 cannot tell apart."""

ROUNDING = 1e-6
"""Of a gradient, in parts of its largest number. Where a gradient is nothing else, an optimizer
that divides by its size, as Adam does, makes a whole step of it."""

LOSS_TOLERANCE = 1e-4


@dataclass
class OwnSteps:
    """A recorder of a stack that hands on to another, and compares some steps of one run.

    Args:
        recorder: writes the runs down.
        plan: of the run alone; its model and optimizer are changed.
        run: number of the run in the stack.
        steps: that it makes.
    """

    recorder: StackRecorder
    plan: Plan
    run: int
    steps: int
    differences: list[str] = field(default_factory=list)
    compared: int = 0

    def __post_init__(self) -> None:
        spread = {self.steps * part // MOST_SAMPLES for part in range(MOST_SAMPLES)}
        self._sampled = spread | {1, 2, 4}
        start = {
            "model": copied(self.plan.model.state_dict()),
            "optimizer": self.plan.engine.optimizer.state_dict(),
        }
        self._before: dict[str, Any] | None = start
        self._loss_sum = 0.0

    def save(self, stack: Stack) -> None:
        """See `StackRecorder`."""
        self.recorder.save(stack)

    def ended(self, stack: Stack, ended: Ended) -> None:
        """See `StackRecorder`."""
        self.recorder.ended(stack, ended)

    def note(self, text: str) -> None:
        """See `StackRecorder`."""
        self.recorder.note(text)

    def progress(self, stack: Stack) -> None:
        """Compares the step just made, and keeps what the next one starts from."""
        self.recorder.progress(stack)
        if self.run not in stack.runs or self.run in stack.diverged:
            self._before = None
            return
        place = stack.runs.index(self.run)
        standing = stack.plan.schedules.standings()[place]
        if self._before is not None:
            self._compare(stack, place, standing.group)
        self._before = None
        if stack.step in self._sampled:
            self._before = last_snapshot(stack, place, standing)
            self._loss_sum = float(stack.loss_sum[place])

    def _compare(self, stack: Stack, place: int, group: dict[str, Any]) -> None:
        assert self._before is not None
        engine, head = self.plan.engine, self.plan.engine.head
        before, number = self._before["model"], stack.batch - 1
        engine.model.load_state_dict(before)
        settings = self._before["optimizer"]
        if not self.plan.engine.schedule.moves_by_step:  # it moved after the epoch, before the step
            settings["param_groups"][0] |= group
        engine.optimizer.load_state_dict(copied(settings))
        engine.model.train()
        x, y = next(iter(self.plan.train.epoch(stack.epoch, number)))
        own_loss = float(engine.step(x, y))
        already = self._loss_sum if number else 0.0
        loss = (float(stack.loss_sum[place]) - already) / float(head.batch_weight(y))
        stacked = state_dict(stack, stack.weights[place], stack.kept, place)
        here = copied(engine.model.state_dict())
        self._judge(stack.step, before, stacked, here, self._by_rounding(before, settings))
        if abs(loss - own_loss) > LOSS_TOLERANCE * max(abs(loss), LOSS_TOLERANCE):
            self.differences.append(f"step {stack.step}: the loss is {own_loss:g}, was {loss:g}")
        self.compared += 1

    def _by_rounding(self, before: dict[str, Tensor], settings: dict[str, Any]) -> float:
        """How far the step just made comes out elsewhere if its gradient is rounded otherwise."""
        engine = self.plan.engine
        parameters = [one for one in engine.model.parameters() if one.grad is not None]
        here = _flat_of(parameters)
        gradients = _flat_of([one.grad for one in parameters if one.grad is not None])
        most = ROUNDING * float(gradients.abs().max()) if len(gradients) else 0.0
        engine.model.load_state_dict(before)
        engine.optimizer.load_state_dict(copied(settings))
        for one in parameters:
            assert one.grad is not None
            one.grad -= most * torch.where(one.grad < 0, -1.0, 1.0).to(one.grad.dtype)
        engine.optimizer.step()
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
        allowed = PART_OF_STEP * length + PART_OF_WEIGHTS * float(start.norm()) + by_rounding
        if not apart <= allowed:
            self.differences.append(
                f"step {step}: the weights come out {apart:.3g} apart, the step is "
                f"{length:.3g} long"
            )


def _flat_of(tensors: Iterable[Tensor]) -> Tensor:
    """All of their numbers, in float64."""
    flat = [one.detach().cpu().double().reshape(-1) for one in tensors]
    return torch.cat(flat) if flat else torch.zeros(0)
