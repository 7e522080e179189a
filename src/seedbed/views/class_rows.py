"""What the pictures of classes draw, computed from probabilities and labels without a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.views.own_rows import Values

Numbers = NDArray[np.int64]

BINS = 10
"""Of equal width, in which probabilities are held against what came true."""

NORMAL = 1.959963984540054
"""Standard deviations of a normal distribution to either side that hold 95 %."""


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for each.

    Args:
        counts: rows; by the true class, then by the predicted one.

    Shape:
        counts (classes, classes)
    """

    counts: Numbers

    @cached_property
    def shares(self) -> Values:
        """Of the rows of the true class; NaN for a class without rows."""
        rows = self.counts.sum(axis=1, keepdims=True)
        shares = np.full(self.counts.shape, np.nan)
        np.divide(self.counts, rows, out=shares, where=rows > 0)
        return shares

    @property
    def accuracy(self) -> float:
        """The share of all rows that is on the diagonal."""
        return float(np.trace(self.counts)) / int(self.counts.sum())

    def mistakes(self, most: int) -> list[tuple[int, int, int]]:
        """The true class, the predicted one and the rows of the most frequent mistakes."""
        wrong = self.counts - np.diag(np.diag(self.counts))
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
        found = [(int(true), int(taken), int(wrong[true, taken])) for true, taken in pairs]
        return [one for one in found if one[2]]


def confusion_of(probabilities: Values, labels: NDArray[Any]) -> Confusion:
    """Counts the likeliest class of each row, the first of equals, beside the true one.

    Shape:
        probabilities (rows, classes), labels (rows,)
    """
    classes = probabilities.shape[1]
    cells = labels.astype(np.int64) * classes + probabilities.argmax(axis=1)
    return Confusion(np.bincount(cells, minlength=classes**2).reshape(classes, classes))


@dataclass(frozen=True)
class Roc:
    """The curve of one class against all others.

    Args:
        number: of the class.
        misses: share of the other classes' rows that have at least some probability.
        hits: share of the class's own rows that have.
        area: under the curve.
    """

    number: int
    misses: Values
    hits: Values
    area: float


def rocs_of(probabilities: Values, labels: NDArray[Any]) -> tuple[list[Roc], list[int]]:
    """The curve of every class, of two classes that of the second.

    Shape:
        probabilities (rows, classes), labels (rows,)

    Returns:
        The curves, and the classes that have none: no row is theirs, or every row is.
    """
    classes = probabilities.shape[1]
    curves, without = [], []
    for number in range(1 if classes == 2 else 0, classes):
        own = labels == number
        if own.all() or not own.any():
            without.append(number)
        else:
            curves.append(_roc(number, probabilities[:, number], own))
    return curves, without


def _roc(number: int, scores: Values, own: NDArray[np.bool_]) -> Roc:
    """Rows of one probability are taken at once, so that a tie is a slope and no step."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.append(0, np.cumsum(own[order])[last])
    misses = np.append(0, last + 1 - hits[1:])
    twice = int((np.diff(misses) * (hits[1:] + hits[:-1])).sum())  # whole numbers: no rounding
    area = twice / (2 * int(hits[-1]) * int(misses[-1]))
    corners = _corners(misses, hits)
    return Roc(number, misses[corners] / misses[-1], hits[corners] / hits[-1], area)


def _corners(x: Numbers, y: Numbers) -> NDArray[np.bool_]:
    """The points of a line at which it turns, and its ends."""
    across, up = np.diff(x), np.diff(y)
    turns = across[1:] * up[:-1] != across[:-1] * up[1:]
    return np.concatenate([[True], turns, [True]])


@dataclass(frozen=True)
class Calibration:
    """Probabilities held against what came true, in bins of equal width.

    Args:
        rows: in each bin, (bins,).
        predicted: the mean probability in each bin, NaN without rows.
        observed: the share of its rows that came true, likewise.
        low: lower end of a 95 % interval of that share.
        high: upper end.
    """

    rows: Numbers
    predicted: Values
    observed: Values
    low: Values
    high: Values

    @property
    def error(self) -> float:
        """Expected calibration error: |observed - predicted| of the bins, weighted by rows.

        Source: Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3.
        """
        there = self.rows > 0
        apart = np.abs(self.observed - self.predicted)[there]
        return float((apart * self.rows[there]).sum() / self.rows.sum())


def calibration_of(probabilities: Values, true: NDArray[np.bool_]) -> Calibration:
    """Sorts rows into bins by a probability; one on an edge goes into the lower bin.

    Args:
        probabilities: of one statement about each row, from 0 to 1; (rows,).
        true: whether it came true; (rows,).
    """
    edges = np.linspace(0, 1, BINS + 1)
    number = np.searchsorted(edges[1:-1], probabilities)
    rows = np.bincount(number, minlength=BINS)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(number, weights=probabilities, minlength=BINS) / rows
        observed = np.bincount(number, weights=true, minlength=BINS) / rows
    low, high = wilson(observed, rows)
    return Calibration(rows, predicted, observed, low, high)


def wilson(share: Values, rows: Numbers) -> tuple[Values, Values]:
    """The ends of a 95 % interval of a share of rows; NaN without rows.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = 1 / (1 + NORMAL**2 / rows)
        middle = weight * (share + NORMAL**2 / (2 * rows))
        half = weight * NORMAL * np.sqrt(share * (1 - share) / rows + (NORMAL / rows) ** 2 / 4)
    return middle - half, middle + half


def statement_of(probabilities: Values, labels: NDArray[Any]) -> tuple[Values, NDArray[np.bool_]]:
    """What calibration asks of each row: how likely the statement is, and whether it is true.

    Of two classes: that the row is of the second. Of more: that it is of the likeliest one.

    Shape:
        probabilities (rows, classes), labels (rows,) -> (rows,), (rows,)
    """
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], labels == 1
    return probabilities.max(axis=1), labels == probabilities.argmax(axis=1)


def lowest(curves: Sequence[Roc]) -> list[Roc]:
    """The curves by the area under them, the smallest first."""
    return sorted(curves, key=lambda one: one.area)
