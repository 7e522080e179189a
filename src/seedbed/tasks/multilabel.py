"""Several labels a row, each of which is there or not."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from seedbed.config.task_names import MULTILABEL
from seedbed.tasks.classes import ONE_LOGIT
from seedbed.tasks.metrics import area_under_roc
from seedbed.tasks.regression import Regression

EXACT = "exact_match"
"""The only metric that is of all labels together."""


class MultiLabel(Regression):
    """One logit a label; their probabilities are predicted, which need not add up to 1."""

    name = MULTILABEL
    losses: Mapping[str, str] = {ONE_LOGIT: "loss=bce"}
    metrics: Sequence[str] = ("accuracy", EXACT, "f1", "auroc")

    def predictions(self, outputs: Tensor, loss: str) -> Tensor:
        """By sigmoid."""
        return outputs.sigmoid()


OF_LABELS = ("f1", "auroc")
"""Metrics that every label has a column of."""


def label_metric(
    name: str, probabilities: Tensor, targets: Tensor, threshold: float, label: int | None
) -> Tensor:
    """A metric of one label, or the mean over all of them; of `EXACT` the share of whole rows.

    Args:
        name: of it.
        probabilities: of each label.
        targets: 1 where it is there, else 0.
        threshold: from which on a label is predicted.
        label: its number; None for all.

    Shape:
        (runs, rows, labels), twice -> (runs,) float64
    """
    predicted, there = probabilities >= threshold, targets > 0.5
    if name == EXACT:
        return (predicted == there).all(dim=2).double().mean(dim=1)
    of_each = METRICS_OF_LABELS[name](probabilities, predicted, there)
    return of_each.mean(dim=1) if label is None else of_each[:, label]


def _accuracy(probabilities: Tensor, predicted: Tensor, there: Tensor) -> Tensor:
    return (predicted == there).double().mean(dim=1)


def _f1(probabilities: Tensor, predicted: Tensor, there: Tensor) -> Tensor:
    """0 of a label that is in no row and predicted in none, as scikit-learn has it."""
    hits = (predicted & there).sum(dim=1).double()
    total = predicted.sum(dim=1) + there.sum(dim=1)
    return 2 * hits / total.clamp(min=1)


def _area_under_roc(probabilities: Tensor, predicted: Tensor, there: Tensor) -> Tensor:
    """NaN of a label that is in all rows, or in none."""
    areas = []
    for label in range(probabilities.shape[2]):
        yes = probabilities[:, :, label].double()
        areas.append(area_under_roc(torch.stack([1 - yes, yes], 2), there[:, :, label].long()))
    return torch.stack(areas, dim=1)


METRICS_OF_LABELS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "accuracy": _accuracy,
    "f1": _f1,
    "auroc": _area_under_roc,
}
