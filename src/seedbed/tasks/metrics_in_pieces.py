"""The loss and the metrics over more rows than are held at once, from pieces of them.

Means over rows add up; f1 goes by counts, r2 by sums of squares. What needs all outputs, such as
auroc and the metrics of somebody else, keeps them, which `kept_bytes` tells beforehand.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from seedbed.config.task_names import MULTILABEL
from seedbed.data.batches import Batches
from seedbed.data.streaming.batches import StreamBatches
from seedbed.data.streaming.blocks import BUFFERS
from seedbed.errors import DataError
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metric_values import metric_tensors
from seedbed.tasks.metrics import SHIPPED, Pieces

MEANS = ("mse", "mae", "accuracy", "exact_match", "deviance", "pinball", "coverage")
"""Metrics that are means over rows."""


class _Mean:
    """A mean over rows, by those of the pieces."""

    def __init__(self, head: TaskHead, name: str) -> None:
        self.head, self.name = head, name
        self.sum, self.rows = 0.0, 0

    def add(self, predictions: Tensor, targets: Tensor) -> None:
        rows = targets.shape[1]
        self.sum += rows * float(self.head.metric(self.name, predictions, targets)[0])
        self.rows += rows

    def value(self) -> float:
        return self.sum / self.rows


class _F1:
    """By the counts of each class."""

    def __init__(self) -> None:
        self.hits: Tensor | float = 0.0
        self.total: Tensor | float = 0.0
        self.sound = True

    def add(self, predictions: Tensor, targets: Tensor) -> None:
        classes, predicted, true = predictions.shape[2], predictions[0].argmax(dim=1), targets[0]
        self.sound = self.sound and not bool(predictions.isnan().any())
        self.hits = self.hits + true[predicted == true].bincount(minlength=classes)
        self.total = self.total + sum(one.bincount(minlength=classes) for one in (predicted, true))

    def value(self) -> float:
        total = torch.as_tensor(self.total)
        score = 2 * torch.as_tensor(self.hits).double() / total.clamp(min=1)
        if not self.sound:
            return torch.nan
        return float(score[1]) if len(score) == 2 else float(score.sum() / (total > 0).sum())


class _R2:
    """By the sums of squares of each output, around means that move on with the rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.mean: Tensor | float = 0.0
        self.spread: Tensor | float = 0.0
        self.error: Tensor | float = 0.0
        self.low: Tensor | None = None
        self.high: Tensor | None = None

    def add(self, predictions: Tensor, targets: Tensor) -> None:
        guess, true = predictions[0], targets[0]
        rows, mean = len(true), true.mean(dim=0)
        self.error = self.error + (guess - true).square().sum(dim=0)
        apart, total = mean - self.mean, self.rows + rows
        within = (true - mean).square().sum(dim=0)
        self.spread = self.spread + within + apart.square() * self.rows * rows / total
        self.mean, self.rows = self.mean + apart * rows / total, total
        low, high = true.amin(dim=0), true.amax(dim=0)
        self.low = low if self.low is None else torch.minimum(self.low, low)
        self.high = high if self.high is None else torch.maximum(self.high, high)

    def value(self) -> float:
        if self.low is None or self.high is None or not bool((self.high > self.low).all()):
            return torch.nan
        return float((1 - torch.as_tensor(self.error) / self.spread).mean())


class _Kept:
    """Keeps the predictions, in float32 where they are probabilities."""

    def __init__(self, head: TaskHead, name: str) -> None:
        self.head, self.name = head, name
        self.predictions: list[Tensor] = []
        self.targets: list[Tensor] = []

    def add(self, predictions: Tensor, targets: Tensor) -> None:
        self.predictions.append(predictions)
        self.targets.append(targets)

    def value(self) -> float:
        whole = [torch.cat(parts, dim=1) for parts in (self.predictions, self.targets)]
        return float(self.head.metric(self.name, *whole)[0])


def _pieces_of(head: TaskHead, name: str) -> Pieces:
    if name in MEANS:
        return _Mean(head, name)
    if name == "f1" and head.task.name != MULTILABEL:
        return _F1()
    if name == "r2":
        return _R2()
    begin = _begin(head, name)
    return _Kept(head, name) if begin is None else begin()


def _begin(head: TaskHead, name: str) -> Callable[[], Pieces] | None:
    """What begins the pieces of a metric that is not Seedbed's."""
    return None if name in SHIPPED or "/" in name else head.named(name).pieces


def kept_metrics(head: TaskHead) -> list[str]:
    """The metrics of a run that need all outputs at once."""
    return [name for name in head.metric_names if _keeps(head, name)]


def _keeps(head: TaskHead, name: str) -> bool:
    if _begin(head, name) is not None:
        return head.named(name).keeps_rows
    return isinstance(_pieces_of(head, name), _Kept)


def kept_bytes(head: TaskHead, rows: int) -> int:
    """What these keep of so many rows, and take to be computed."""
    width = len(head.preprocessing.classes) or head.preprocessing.outputs
    return 0 if not kept_metrics(head) else rows * (8 * width + 16) * 3


def refuse_many_outputs(head: TaskHead, batches: Batches, split: str) -> None:
    """Refuses metrics that would keep more outputs of streamed rows than the memory holds.

    Raises:
        DataError: naming the metric.
    """
    if not isinstance(batches, StreamBatches):
        return
    needed, memory = kept_bytes(head, batches.rows), batches.data.memory
    if needed * BUFFERS > memory:
        raise DataError(
            f"{kept_metrics(head)[0]} needs the outputs of all {batches.rows} {split} rows, which "
            f"take {needed / 1e9:.3g} GB; type data.memory='{needed * BUFFERS / 1e9:.3g} GB', or "
            f"a smaller data.split.{split}"
        )


class LossAndMetrics:
    """Over rows that come in pieces.

    Args:
        head: of the run.
    """

    def __init__(self, head: TaskHead) -> None:
        self.head = head
        self._metrics = {name: _pieces_of(head, name) for name in head.metric_names}
        self._loss, self._weight = 0.0, 0.0

    def add(self, outputs: Tensor, y: Tensor, loss: float) -> None:
        """Further rows.

        Args:
            outputs: of the model.
            y: their targets.
            loss: of these rows.
        """
        weight = float(self.head.batch_weight(y))
        self._loss += weight * loss
        self._weight += weight
        predictions, targets = metric_tensors(self.head, outputs, y)
        for one in self._metrics.values():
            one.add(predictions, targets)

    def values(self) -> Mapping[str, float]:
        """The loss and every metric of all rows."""
        loss = self._loss if self.head.is_sum else self._loss / self._weight
        return {"loss": loss, **self.metrics()}

    def metrics(self) -> dict[str, float]:
        """Every metric of all rows."""
        return {name: one.value() for name, one in self._metrics.items()}
