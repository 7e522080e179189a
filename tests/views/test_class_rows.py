"""What the pictures of classes draw is what scikit-learn and statsmodels compute."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint

from seedbed.views.class_rows import (
    calibration_of,
    confusion_of,
    lowest,
    rocs_of,
    statement_of,
    wilson,
)

QUICK = settings(max_examples=60, deadline=None)


@st.composite
def classified(draw: Any) -> tuple[Any, Any]:
    """Probabilities with many ties, and labels; some classes without a row."""
    rows, classes = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    steps = draw(arrays(np.int64, (rows, classes), elements=st.integers(0, 4)))
    labels = draw(arrays(np.int64, rows, elements=st.integers(0, classes - 1)))
    steps[:, 0] += steps.sum(axis=1) == 0
    probabilities = steps / steps.sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32).astype(np.float64), labels


@QUICK
@given(classified())
def test_the_matrix_is_that_of_scikit_learn(rows) -> None:
    probabilities, labels = rows
    found = confusion_of(probabilities, labels)
    names, predicted = np.arange(probabilities.shape[1]), probabilities.argmax(axis=1)
    assert np.array_equal(found.counts, sk.confusion_matrix(labels, predicted, labels=names))
    assert found.accuracy == pytest.approx(sk.accuracy_score(labels, predicted), rel=1e-15)
    there = np.isin(names, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shares = sk.confusion_matrix(labels, predicted, labels=names, normalize="true")
    assert np.allclose(found.shares[there], shares[there], rtol=1e-15)
    assert np.isnan(found.shares[~there]).all()


def test_the_first_of_equal_probabilities_is_predicted() -> None:
    assert confusion_of(np.full((3, 2), 0.5), np.array([0, 1, 1])).counts.tolist() == [
        [1, 0],
        [2, 0],
    ]


def test_mistakes_are_the_largest_cells_off_the_diagonal() -> None:
    probabilities = np.eye(3)[[0, 1, 1, 2, 2, 2, 0]]
    found = confusion_of(probabilities, np.array([0, 0, 0, 1, 2, 2, 2]))
    assert found.mistakes(2) == [(0, 1, 2), (1, 2, 1)]
    assert confusion_of(np.eye(2), np.array([0, 1])).mistakes(5) == []


@QUICK
@given(classified())
def test_the_curves_are_those_of_scikit_learn(rows) -> None:
    probabilities, labels = rows
    curves, without = rocs_of(probabilities, labels)
    classes = probabilities.shape[1]
    asked = [1] if classes == 2 else list(range(classes))
    assert sorted([*without, *(one.number for one in curves)]) == asked
    for number in without:
        assert len(set(labels == number)) == 1
    for one in curves:
        own, scores = labels == one.number, probabilities[:, one.number]
        assert one.area == pytest.approx(sk.roc_auc_score(own, scores), abs=1e-12)
        misses, hits, _ = sk.roc_curve(own, scores, drop_intermediate=False)
        every, own_points = (
            set(zip(misses, hits, strict=True)),
            zip(one.misses, one.hits, strict=True),
        )
        assert set(own_points) <= every
        assert (one.misses[0], one.hits[0], one.misses[-1], one.hits[-1]) == (0, 0, 1, 1)
        for x, y in every:  # no point that was left out is off the line
            assert on_line(x, y, one.misses, one.hits)


def on_line(x: float, y: float, xs: Any, ys: Any) -> bool:
    """Whether a point lies on one of the pieces of a line."""
    parts = zip(xs[:-1], ys[:-1], xs[1:], ys[1:], strict=True)
    return any(
        abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) < 1e-12
        and x0 - 1e-12 <= x <= x1 + 1e-12
        and y0 - 1e-12 <= y <= y1 + 1e-12
        for x0, y0, x1, y1 in parts
    )


def test_of_many_curves_the_worst_come_first() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.5, 0.1, 0.4], [0.1, 0.8, 0.1]])
    curves, _ = rocs_of(probabilities, np.array([0, 1, 2, 2]))
    areas = [one.area for one in lowest(curves)]
    assert areas == sorted(areas)


@QUICK
@given(classified())
def test_calibration_is_that_of_scikit_learn(rows) -> None:
    probabilities, true = statement_of(*rows)
    found = calibration_of(probabilities, true)
    there = found.rows > 0
    observed, predicted = calibration_curve(true, probabilities, n_bins=10, pos_label=True)
    assert np.allclose(found.observed[there], observed, rtol=1e-12)
    assert np.allclose(found.predicted[there], predicted, rtol=1e-12)
    assert found.rows.sum() == len(true)
    assert np.isnan(found.observed[~there]).all()
    assert 0 <= found.error <= 1


def test_the_error_is_that_of_torchmetrics() -> None:
    import torch
    from torchmetrics.functional.classification import (
        binary_calibration_error,
        multiclass_calibration_error,
    )

    draws = np.random.default_rng(3)
    many = draws.dirichlet([1, 1, 1, 1], 500)
    labels = draws.integers(0, 4, 500)
    tensors = torch.from_numpy(many), torch.from_numpy(labels)
    theirs = multiclass_calibration_error(*tensors, num_classes=4, n_bins=10)
    assert calibration_of(*statement_of(many, labels)).error == pytest.approx(float(theirs))
    two = np.stack([1 - many[:, 0], many[:, 0]], axis=1)
    first, odd = tensors[0][:, 0].contiguous(), torch.from_numpy(labels % 2)
    theirs = binary_calibration_error(first, odd, n_bins=10)
    assert calibration_of(*statement_of(two, labels % 2)).error == pytest.approx(float(theirs))


def test_the_statement_of_two_classes_is_that_of_the_second() -> None:
    two = np.array([[0.9, 0.1], [0.2, 0.8]])
    probabilities, true = statement_of(two, np.array([0, 1]))
    assert (probabilities.tolist(), true.tolist()) == ([0.1, 0.8], [False, True])
    three = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    probabilities, true = statement_of(three, np.array([1, 2]))
    assert (probabilities.tolist(), true.tolist()) == ([0.5, 0.7], [False, True])


@pytest.mark.parametrize(("hits", "rows"), [(0, 1), (1, 1), (3, 10), (500, 1000), (0, 40)])
def test_intervals_are_wilsons(hits: int, rows: int) -> None:
    low, high = wilson(np.array([hits / rows]), np.array([rows]))
    assert (low[0], high[0]) == pytest.approx(proportion_confint(hits, rows, method="wilson"))
