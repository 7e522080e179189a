"""One epoch of training and one pass of evaluation: where the arithmetic is."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from seedbed.data.batches import Batches
from seedbed.models.build import output_of
from seedbed.runs.checkpoint import all_finite
from seedbed.tasks.head import TaskHead
from seedbed.training.optimization import Schedule, learning_rate
from seedbed.training.state import Diverged, TrainingState

LOSSES_IN_FLIGHT = 32
"""On an accelerator the CPU waits for a loss only this often; it would wait for every one."""


@dataclass
class Engine:
    """Updates one model.

    Args:
        model: on the device.
        head: the loss.
        optimizer: of the model's parameters.
        schedule: of its learning rate.
        device: where batches come from.
        mixed: the type for matrix products, or None for float32.
        gradient_clip: largest norm of the whole gradient, or None.
    """

    model: nn.Module
    head: TaskHead
    optimizer: Optimizer
    schedule: Schedule
    device: torch.device
    mixed: torch.dtype | None
    gradient_clip: float | None

    def __post_init__(self) -> None:
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.mixed is torch.float16)
        self._parameters = [p.detach() for p in self.model.parameters()]
        self._pending: list[tuple[Tensor, Tensor | int]] = []
        self._in_flight = 1 if self.device.type == "cpu" else LOSSES_IN_FLIGHT

    def step(self, x: Tensor, y: Tensor) -> Tensor:
        """One update of the weights; the batch's loss."""
        self.optimizer.zero_grad()
        with self.precision():
            loss = self.head.loss(output_of(self.model(x)), y)
        if self.scaler.is_enabled():
            self._scaled_update(loss)
        else:
            loss.backward()
            self._clip()
            self.optimizer.step()
        return loss.detach()

    def record(self, state: TrainingState, loss: Tensor, y: Tensor) -> None:
        """Takes in the loss of the step just made, on rows with these targets.

        Raises:
            Diverged: if it, or one before it that was still in flight, is not finite.
        """
        state.step += 1
        state.batch += 1
        state.lr = learning_rate(self.optimizer)
        self._pending.append((loss, self.head.batch_weight(y)))
        if len(self._pending) >= self._in_flight:
            self.settle(state)
        self.schedule.after_batch()

    def settle(self, state: TrainingState) -> None:
        """Waits for the losses in flight and adds them up.

        Raises:
            Diverged: as `record`.
        """
        behind = len(self._pending)
        for loss, weight in self._pending:
            behind -= 1
            value = loss.item()  # the CPU waits for the device here
            if value - value != 0:  # NaN or infinite
                self._pending.clear()
                raise Diverged(
                    f"train/loss is {value}",
                    state.step - behind,
                    state.epoch + 1,
                    state.batch - behind,
                    state.lr,
                )
            state.add_batch(value, weight.item() if isinstance(weight, Tensor) else weight)
        self._pending.clear()

    def check_weights(self, state: TrainingState) -> None:
        """Looks at the weights themselves; no loss has been told since the last step.

        Raises:
            Diverged: if one of them is not finite.
        """
        if not all_finite(self._parameters):
            raise Diverged(
                "a weight is infinite or NaN",
                state.step,
                state.epoch + 1,
                state.batch,
                state.lr,
            )

    def precision(self) -> AbstractContextManager[object]:
        """Where mixed precision applies."""
        if self.mixed is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.mixed)

    def evaluate(self, batches: Batches) -> dict[str, float]:
        """The loss and the metrics over a part of the data; the model is not changed.

        The rows go through the model in pieces, and the loss is that of all of them at once, so
        that it does not depend on the pieces, whatever its reduction.
        """
        self.model.eval()
        outputs, targets = [], []
        with torch.no_grad(), self.precision():
            for x, y in batches.epoch(0):
                output = output_of(self.model(x))
                outputs.append(output.clone())  # a model may use its memory again
                targets.append(y)
        self.model.train()
        output, y = torch.cat(outputs), torch.cat(targets)
        metrics = self.head.metrics(output, y)
        with torch.no_grad(), self.precision():
            loss = self.head.loss(output, y)  # last: it may write into what it gets
        return {"loss": loss.item(), **metrics}

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
