"""Means over folds: the corrected resampled t-test, by scipy's Student's t."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from seedbed.analysis.comparing import compare_settings
from seedbed.analysis.folds import (
    Folds,
    corrected_interval,
    corrected_p,
    student_quantile,
    student_within,
)
from seedbed.analysis.settings import Trial


@settings(deadline=None, max_examples=60)
@given(t=st.floats(0, 50), freedom=st.integers(1, 120))
def test_students_t_is_that_of_scipy(t: float, freedom: int) -> None:
    assert student_within(t, freedom) == pytest.approx(1 - 2 * stats.t.sf(t, freedom), abs=1e-13)
    assert student_quantile(0.95, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-12)


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_the_variance_of_the_mean_has_the_test_rows_for_each_training_row_added(folds: int) -> None:
    values = np.random.default_rng(folds).normal(0.3, 1, 2 * folds)
    n, ratio = len(values), 1 / (folds - 1)
    error = math.sqrt((1 / n + ratio) * values.var(ddof=1))
    p = corrected_p(values, Folds(folds))
    assert p == pytest.approx(2 * stats.t.sf(abs(values.mean()) / error, n - 1), rel=1e-9)
    interval = corrected_interval(values, Folds(folds))
    assert interval == pytest.approx(stats.t.interval(0.95, n - 1, values.mean(), error), rel=1e-9)
    plain = stats.ttest_1samp(values, 0)
    assert p > plain.pvalue


def test_it_errs_less_often_than_the_test_that_takes_folds_for_independent() -> None:
    """Two rules of equal worth, ten times ten folds of ever new rows: how often one is `better`."""
    draw = np.random.default_rng(0)
    folds, corrected, plain = Folds(5), 0, 0
    for _ in range(400):
        rows = draw.normal(size=(50, 2))  # what each rule answers where it learnt from these rows
        differences = []
        for _ in range(3):
            order = draw.permutation(50)
            for fold in range(5):
                held = order[fold::5]
                learnt = np.delete(rows, held, axis=0).mean(axis=0)
                errors = ((rows[held].sum(axis=1)[:, None] / 2 - learnt) ** 2).mean(axis=0)
                differences.append(errors[0] - errors[1])
        p = corrected_p(np.array(differences), folds)
        assert p is not None
        corrected += p <= 0.05
        plain += stats.ttest_1samp(differences, 0).pvalue <= 0.05
    assert corrected < plain / 2


def trial(setting: str, seed: int, fold: int, value: float, *, shared: bool) -> Trial:
    rows = (fold,) if shared else (seed, fold)
    return Trial((setting,), (seed, fold), "completed", value, rows)


def test_runs_of_the_same_rows_count_once() -> None:
    values = np.random.default_rng(1).normal(size=(2, 3, 5))
    for shared, n in ((True, 5), (False, 15)):
        trials = [
            trial("ab"[at], seed, fold, values[at, seed, fold], shared=shared)
            for at in range(2)
            for seed in range(3)
            for fold in range(5)
        ]
        compared = compare_settings(["k"], trials, higher=True, folds=Folds(5))
        assert compared.verdict is not None
        assert compared.verdict.n == n
        assert compared.settings[0].n == 15
        best = max(range(2), key=lambda at: values[at].mean())
        means = values[best].mean(axis=0) if shared else values[best].ravel()
        assert compared.settings[0].interval == pytest.approx(corrected_interval(means, Folds(5)))
        assert compared.against_best[0].p == pytest.approx(
            corrected_p(
                (values[best] - values[1 - best]).mean(axis=0)
                if shared
                else (values[best] - values[1 - best]).ravel(),
                Folds(5),
            )
        )


def test_no_interval_and_no_verdict_is_told_of_blocks_in_time() -> None:
    trials = [
        trial(one, 0, fold, fold + ord(one), shared=True) for one in "ab" for fold in range(9)
    ]
    compared = compare_settings(["k"], trials, higher=True, folds=Folds(9, chained=True))
    assert compared.verdict is not None
    assert not compared.verdict.is_better
    assert "data.split.time" in compared.verdict.words
    assert compared.settings[0].interval is None


def test_differences_that_are_all_one_go_by_their_signs() -> None:
    assert corrected_p(np.full(5, 0.1), Folds(5)) == 2 * 0.5**5
    assert corrected_p(np.zeros(5), Folds(5)) == 1
    assert corrected_p(np.ones(1), Folds(5)) is None
