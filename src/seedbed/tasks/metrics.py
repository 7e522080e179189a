"""The metrics: one definition of each, for one run and for many.

Tables of numbers ask for their names and directions, so importing this module imports no torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import nan
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Pieces(Protocol):
    """A metric that sees its rows a piece at a time."""

    def add(self, predictions: "Tensor", targets: "Tensor") -> None:
        """Looks at further rows; shapes as `Metric` takes them, of one run."""
        ...

    def value(self) -> float:
        """Of all rows so far; NaN where it is not defined."""
        ...


@dataclass(frozen=True)
class Metric:
    """A number that tells how good the predictions of a run are.

    Args:
        name: of the column `val/<name>`.
        higher_is_better: whether the best epoch is the one with the highest value; None of a
            number that has its best value in between, by which nothing is chosen.
        compute: gives the value of every run from predictions and targets, NaN where it is not
            defined. Its arithmetic has the precision of the predictions: a run on its own gives
            probabilities in float32, as torchmetrics takes them, and a stack in float64.
        pieces: begins one that sees the rows of a run a piece at a time; None where that is known
            by its name, or it takes all rows at once.
        keeps_rows: whether one with pieces keeps what it sees all the same.

    Shape:
        real values: (runs, rows, outputs) float64, twice, in the target's units -> (runs,)
        classes: probabilities (runs, rows, classes), class numbers (runs, rows) -> (runs,)
        quantiles: (runs, rows, outputs, levels) and real values, and the levels -> (runs,)
    """

    name: str
    higher_is_better: bool | None
    compute: Callable[..., "Tensor"]
    pieces: Callable[[], Pieces] | None = None
    keeps_rows: bool = False

    def __call__(self, predictions: "Tensor", targets: "Tensor", *levels: "Tensor") -> "Tensor":
        """`compute` of them; NaN for a run with a prediction that is NaN.

        Shape:
            (runs, …), twice -> (runs,) float64
        """
        numbers = ~predictions.flatten(1).isnan().any(dim=1)
        return self.compute(predictions, targets, *levels).double().where(numbers, nan)


def mean_squared_error(predictions: "Tensor", targets: "Tensor") -> "Tensor":
    """The mean over rows and outputs."""
    return (predictions - targets).square().flatten(1).mean(dim=1)


def mean_absolute_error(predictions: "Tensor", targets: "Tensor") -> "Tensor":
    """The mean over rows and outputs."""
    return (predictions - targets).abs().flatten(1).mean(dim=1)


def r2(predictions: "Tensor", targets: "Tensor") -> "Tensor":
    """The share of the variance that is explained, the mean over outputs.

    NaN where an output has one value in all rows.
    """
    varies = (targets.amax(dim=1) > targets.amin(dim=1)).all(dim=1)
    error = (predictions - targets).square().sum(dim=1)
    variance = (targets - targets.mean(dim=1, keepdim=True)).square().sum(dim=1)
    return (1 - error / variance).mean(dim=1).where(varies, nan)


def accuracy(predictions: "Tensor", targets: "Tensor") -> "Tensor":
    """The share of rows whose likeliest class is the right one."""
    return (predictions.argmax(dim=2) == targets).double().mean(dim=1)


def f1(predictions: "Tensor", targets: "Tensor") -> "Tensor":
    """Of the second class of two; of more classes the mean.

    A class that is neither in the targets nor predicted is left out of the mean.
    """
    classes, predicted = predictions.shape[2], predictions.argmax(dim=2)
    hits = _counts(targets, classes, predicted == targets)
    total = _counts(predicted, classes) + _counts(targets, classes)
    score = 2 * hits.to(predictions.dtype) / total.clamp(min=1).to(predictions.dtype)
    if classes == 2:
        return score[:, 1]
    counted = (total > 0).sum(dim=1, keepdim=True)
    if _is_single(predictions):
        return (score / counted).sum(dim=1)
    return score.sum(dim=1) / counted[:, 0]


def area_under_roc(predictions: "Tensor", targets: "Tensor") -> "Tensor":
    """Of the second class of two; of more classes the mean, each against the others.

    NaN where a class is in no row.
    """
    classes = predictions.shape[2]
    present = (_counts(targets, classes) > 0).all(dim=1)
    scored = slice(1 if classes == 2 else 0, classes)
    numbers = targets.new_tensor(range(classes))[scored]
    area = _trapezoids if _is_single(predictions) else _areas_from_ranks
    areas = area(predictions[..., scored].mT, targets[:, None] == numbers[:, None])
    return areas.mean(dim=1).where(present, nan)


def mean_poisson_deviance(predictions: "Tensor", targets: "Tensor") -> "Tensor":
    """The mean over rows and outputs: 0 for rates that are the counts, and more the worse.

    Source: `sklearn.metrics.mean_poisson_deviance`.
    """
    import torch

    apart = torch.xlogy(targets, targets / predictions) - targets + predictions
    return 2 * apart.flatten(1).mean(dim=1)


def mean_pinball(predictions: "Tensor", targets: "Tensor", levels: "Tensor") -> "Tensor":
    """The mean pinball loss over rows, outputs and levels.

    Source: `sklearn.metrics.mean_pinball_loss`, the mean of its values at the levels.
    """
    from seedbed.losses.quantile import pinball

    return pinball(predictions.flatten(2), targets, levels).flatten(1).mean(dim=1)


def coverage(predictions: "Tensor", targets: "Tensor", levels: "Tensor") -> "Tensor":
    """The share of values from the lowest quantile to the highest, the mean over outputs.

    What it should be is the difference of the levels.
    """
    ends = predictions.sort(dim=3).values
    inside = (targets >= ends[..., 0]) & (targets <= ends[..., -1])
    return inside.double().flatten(1).mean(dim=1)


METRICS = {
    metric.name: metric
    for metric in (
        Metric("mse", False, mean_squared_error),
        Metric("mae", False, mean_absolute_error),
        Metric("r2", True, r2),
        Metric("accuracy", True, accuracy),
        Metric("f1", True, f1),
        Metric("auroc", True, area_under_roc),
        Metric("exact_match", True, accuracy),
        Metric("deviance", False, mean_poisson_deviance),
        Metric("pinball", False, mean_pinball),
        Metric("coverage", None, coverage),
    )
}
"""Every metric that has its name in this process; `registry.register_metric` adds to it."""

SHIPPED = frozenset(METRICS)
"""The names of Seedbed's own."""

OF_LEVELS = ("pinball", "coverage")
"""Those that are told the levels, which are the loss's."""

Directions = Mapping[str, bool | None]
"""Whether higher is better of metrics that are not Seedbed's, by name; None where that is not
known, or neither is."""


def higher_is_better(column: str, own: Directions = MappingProxyType({})) -> bool:
    """Whether `val/accuracy` and the like; losses and errors are better when lower.

    Args:
        column: of the history.
        own: what runs tell of metrics that their configs name.
    """
    name = column.rpartition("/")[2]
    metric = METRICS.get(name)
    return (own.get(name) if metric is None else metric.higher_is_better) is True


def is_undirected(column: str, own: Directions = MappingProxyType({})) -> bool:
    """Whether nothing can be chosen by a metric, as its best value is in between or not known."""
    name = column.rpartition("/")[2]
    metric = METRICS.get(name)
    if metric is None:
        return name in own and own[name] is None
    return metric.higher_is_better is None


def _is_single(predictions: "Tensor") -> bool:
    """Whether they are float32, of a run on its own."""
    import torch

    return predictions.dtype == torch.float32


def _counts(numbers: "Tensor", classes: int, counted: "Tensor | None" = None) -> "Tensor":
    """Rows of each class, of all or of those counted.

    Shape:
        (runs, rows), twice -> (runs, classes)
    """
    runs = len(numbers)
    cells = numbers + classes * numbers.new_tensor(range(runs))[:, None]
    cells = cells.flatten() if counted is None else cells[counted]
    return cells.bincount(minlength=runs * classes).reshape(runs, classes)


def _trapezoids(scores: "Tensor", is_class: "Tensor") -> "Tensor":
    """The area under the curve of each class, by trapezoids in float32.

    Shape:
        (runs, classes, rows), twice -> (runs, classes)

    Source: `torchmetrics.functional.auroc`, whose bits it gives.
    """
    import torch
    from torch.nn.functional import pad

    def area(score: "Tensor", right: "Tensor") -> "Tensor":
        order = score.argsort(descending=True)
        last = pad(score[order].diff() != 0, (0, 1), value=True)  # of rows with equal scores
        hits = right[order].cumsum(dim=0)[last]
        misses = last.nonzero()[:, 0] + 1 - hits
        tpr, fpr = (pad(count / count[-1], (1, 0)) for count in (hits, misses))
        return torch.trapezoid(tpr, fpr)

    curves = zip(scores.flatten(0, 1), is_class.flatten(0, 1), strict=True)
    return torch.stack([area(*curve) for curve in curves]).reshape(scores.shape[:2])


def _areas_from_ranks(scores: "Tensor", is_class: "Tensor") -> "Tensor":
    """The area under the curve of each class, exact but for one rounding; equal scores share ranks.

    Numbers of 0 and more are in the order of their bits, so that a score and whether its row is of
    the class fit into one integer, and NumPy sorts integers much faster than pairs. Among equal
    scores the class stands last in one order and first in another; the mean of both shares ranks.

    Shape:
        (runs, classes, rows) float64 in [0, 1], and bool -> (runs, classes)

    Source: Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982.
    """
    import numpy as np

    bits, right = 2 * scores.contiguous().numpy().view(np.int64), is_class.numpy()
    number, rows = right.sum(axis=2), right.shape[2]
    ranks = np.arange(1.0, rows + 1)
    last = (np.sort(bits + right, axis=2) & 1).astype(np.float64) @ ranks
    first = (np.sort(bits + ~right, axis=2) & 1 ^ 1).astype(np.float64) @ ranks
    with np.errstate(invalid="ignore", divide="ignore"):
        area = ((first + last - number * (number + 1)) / 2) / (number * (rows - number))
    return scores.new_tensor(area)
