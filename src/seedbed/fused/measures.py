"""The task's metrics for every run of a stack at once.

Tests hold each equal to torchmetrics, which the single engine asks; one by one its calls would take
longer than the training.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from seedbed.tasks.head import TaskHead


def measured(heads: Sequence[TaskHead], outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
    """What `TaskHead.metrics` gives, for each run.

    Args:
        heads: of each run; of one task, but each with its own scale of the target.
        outputs: of all rows of a part.
        y: as `Preprocessing.targets`.

    Shape:
        outputs (runs, rows, outputs), y (runs, rows, …) -> each (runs,) float64
    """
    first = heads[0]
    if first.preprocessing.task == "regression":
        answers = [_in_own_unit(one, out) for one, out in zip(heads, outputs, strict=True)]
        actual = [
            _in_own_unit(one, part.reshape(len(part), -1))
            for one, part in zip(heads, y, strict=True)
        ]
        return _of_numbers(torch.stack(answers), torch.stack(actual))
    classes = len(first.preprocessing.classes)
    flat = first.probabilities(outputs.flatten(0, 1).float())
    probabilities = flat.unflatten(0, outputs.shape[:2]).cpu()
    return _of_classes(probabilities, y.reshape(len(y), -1).cpu(), classes)


def _in_own_unit(head: TaskHead, output: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(head.predictions(output)))


def _of_numbers(answers: Tensor, actual: Tensor) -> dict[str, Tensor]:
    """Of (runs, rows, outputs) float64."""
    error = answers - actual
    varies = (actual.amax(dim=1) > actual.amin(dim=1)).all(dim=1)
    around_mean = (actual - actual.mean(dim=1, keepdim=True)).square().sum(dim=1)
    r2 = (1 - error.square().sum(dim=1) / around_mean).mean(dim=1)
    return {
        "mse": error.square().mean(dim=(1, 2)),
        "mae": error.abs().mean(dim=(1, 2)),
        "r2": torch.where(varies, r2, torch.nan),
    }


def _of_classes(probabilities: Tensor, actual: Tensor, classes: int) -> dict[str, Tensor]:
    """Of (runs, rows, classes), and the classes (runs, rows)."""
    predicted = probabilities.argmax(dim=2)
    is_class, told_class = (one[..., None] == torch.arange(classes) for one in (actual, predicted))
    hits = (is_class & told_class).sum(dim=1).double()
    told, there = told_class.sum(dim=1).double(), is_class.sum(dim=1).double()
    # No class is left out of the mean but one that is neither there nor ever told.
    counted = (told + there) > 0
    f1 = torch.where(counted, 2 * hits / (told + there).clamp(min=1), 0)
    present = (there > 0).all(dim=1)
    if classes == 2:
        score = f1[:, 1]
        area = _area_under_roc(probabilities[..., 1:], is_class[..., 1:])[:, 0]
    else:
        score = f1.sum(dim=1) / counted.sum(dim=1)
        area = _area_under_roc(probabilities, is_class).mean(dim=1)
    return {
        "accuracy": (predicted == actual).double().mean(dim=1),
        "f1": score,
        "auroc": torch.where(present, area, torch.nan),
    }


def _area_under_roc(scores: Tensor, is_class: Tensor) -> Tensor:
    """Of each class against the rest, from ranks; equal scores share the mean of theirs.

    Scores of 0 and more are in the order of their bits, so that a score and whether it is of the
    class go into one number, and nothing but numbers has to be sorted. Among equal scores the class
    stands last in one order and first in another; the mean of both is what sharing gives.

    Shape:
        (runs, rows, classes) float32 >= 0 -> (runs, classes) float64

    Source: Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982.
    """
    bits = 2 * scores.transpose(1, 2).contiguous().view(torch.int32).numpy().astype(np.int64)
    positive = is_class.transpose(1, 2).contiguous().numpy()  # (runs, classes, rows)
    number, rows = positive.sum(axis=2), positive.shape[2]
    ranks = np.arange(1.0, rows + 1)
    last = (np.sort(bits + positive, axis=2) & 1).astype(np.float64) @ ranks
    first = (np.sort(bits + ~positive, axis=2) & 1 ^ 1).astype(np.float64) @ ranks
    with np.errstate(invalid="ignore", divide="ignore"):
        area = ((first + last - number * (number + 1)) / 2) / (number * (rows - number))
    return torch.from_numpy(np.asarray(area))
