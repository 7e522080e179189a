"""The task's metrics for every run of a stack at once.

Tests hold each equal to torchmetrics, which the single engine asks; one by one its calls would take
longer than the training.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from seedbed.training.objective import Objective


def measured(objectives: Sequence[Objective], outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
    """What `Objective.metrics` gives, for each run.

    Args:
        objectives: of each run; of one task, but each with its own scale of the target.
        outputs: of all rows of a part.
        y: as `Preprocessing.targets`.

    Shape:
        outputs (runs, rows, outputs), y (runs, rows, …) -> each (runs,) float64
    """
    first = objectives[0]
    if first.preprocessing.task == "regression":
        answers = [_in_own_unit(one, out) for one, out in zip(objectives, outputs, strict=True)]
        actual = [
            _in_own_unit(one, part.reshape(len(part), -1))
            for one, part in zip(objectives, y, strict=True)
        ]
        return _of_numbers(torch.stack(answers), torch.stack(actual))
    classes = len(first.preprocessing.classes)
    probabilities = torch.stack([first.probabilities(one.float()) for one in outputs]).cpu()
    return _of_classes(probabilities, y.reshape(len(y), -1).cpu(), classes)


def _in_own_unit(objective: Objective, output: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(objective.answers(output)))


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
    is_class = torch.nn.functional.one_hot(actual, classes).bool()
    told_class = torch.nn.functional.one_hot(predicted, classes).bool()
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

    Shape:
        (runs, rows, classes) -> (runs, classes) float64

    Source: Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982.
    """
    scores = scores.transpose(1, 2).contiguous()  # (runs, classes, rows)
    positive = is_class.transpose(1, 2)
    ordered = scores.sort(dim=2).values
    below = torch.searchsorted(ordered, scores).double()
    upto = torch.searchsorted(ordered, scores, right=True).double()
    ranks = (below + 1 + upto) / 2
    number, rows = positive.sum(dim=2).double(), scores.shape[2]
    total = torch.where(positive, ranks, 0).sum(dim=2)
    return (total - number * (number + 1) / 2) / (number * (rows - number))
