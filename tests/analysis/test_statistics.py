"""The numbers of a comparison, against those of scipy, statsmodels and plain enumeration."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from seedbed.analysis.intervals import (
    COVERAGE,
    bca_interval,
    mean_and_std,
    resamples_of,
)
from seedbed.analysis.multiple import holm
from seedbed.analysis.permutation import MOST_EXACT, draws_of, sign_flip_p, sign_flip_ps, smallest_p
from seedbed.analysis.superiority import probability_of_superiority

NUMBERS = st.floats(-100, 100, allow_subnormal=False)
EIGHTHS = st.integers(-800, 800).map(lambda n: n / 8)
"""Sums of these are exact, so that an order of adding makes no difference."""


def scipys(values: list[float]) -> tuple[float, float]:
    found = stats.bootstrap(
        (np.array(values),), np.mean, n_resamples=resamples_of(len(values)), method="BCa",
        rng=np.random.default_rng(0),
    )  # fmt: skip
    return tuple(found.confidence_interval)


@pytest.mark.parametrize("n", [2, 3, 4, 6, 10, 30, 500])
def test_the_interval_is_scipys(n: int) -> None:
    values = np.round(np.random.default_rng(n).lognormal(size=n) * 64) / 64
    assert bca_interval(values) == pytest.approx(scipys(values), rel=1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e300], ids=str)
def test_the_interval_has_the_unit_of_the_values(scale: float) -> None:
    values = np.array([1, 2, 4, 8, 3, 5.5])
    assert bca_interval(values * scale) == pytest.approx(
        [scale * end for end in scipys(values)], rel=1e-9
    )


def test_ties_of_resampled_means_do_not_hang_on_rounding() -> None:
    """Six of 27 samples of three are the three themselves, in some order."""
    values = np.array([0.1, 0.2, 0.3])
    assert bca_interval(values) == pytest.approx(
        np.array(bca_interval(np.array([1, 2, 3.0]))) / 10, rel=1e-9
    )


def test_rounding_is_no_spread() -> None:
    assert bca_interval(1 + 5e-16 * np.random.default_rng(0).normal(size=10)) is None


@pytest.mark.parametrize("values", [[0.3], [0.3] * 5, [0.0, 0.0]], ids=str)
def test_without_a_spread_there_is_no_interval(values: list[float]) -> None:
    assert bca_interval(np.array(values)) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy warns of what it cannot tell
        assert len(values) == 1 or np.isnan(scipys(values)).all()


@pytest.mark.parametrize("bad", [[], [1, np.nan], [1, np.inf]], ids=str)
def test_what_is_no_number_is_refused(bad: list[float]) -> None:
    for number_of in (mean_and_std, bca_interval, sign_flip_p):
        with pytest.raises(ValueError, match="finite"):
            number_of(np.array(bad, dtype=float))


@given(st.lists(NUMBERS, min_size=2, max_size=20))
def test_mean_and_deviation_are_numpys(values: list[float]) -> None:
    mean, std = mean_and_std(np.array(values))
    assert mean == pytest.approx(np.mean(values), abs=1e-9)
    assert std == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    assert mean_and_std(np.array(values[:1])) == (pytest.approx(values[0]), None)


@pytest.mark.parametrize("n", [2, 3, 6, 10])
def test_an_interval_of_few_values_holds_the_mean_as_often_as_is_said(n: int) -> None:
    random = np.random.default_rng(n)
    held = 0
    for _ in range(1500):
        low, high = bca_interval(random.normal(size=n), resamples=499)
        held += low < 0 < high
    assert held / 1500 == pytest.approx(COVERAGE[n], abs=0.035)


@given(st.lists(EIGHTHS, min_size=1, max_size=8))
def test_the_p_is_that_of_all_signs(differences: list[float]) -> None:
    sums = [
        abs(sum(sign * one for sign, one in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    expected = np.mean([one >= abs(sum(differences)) for one in sums])
    assert sign_flip_p(np.array(differences)) == pytest.approx(expected, rel=1e-12)


def test_the_p_is_scipys() -> None:
    differences = np.random.default_rng(1).normal(0.5, 1, 11)
    found = stats.permutation_test(
        (differences, np.zeros(11)), lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples", vectorized=True, n_resamples=np.inf,
    )  # fmt: skip
    assert sign_flip_p(differences) == pytest.approx(found.pvalue, rel=1e-9)


def test_drawn_signs_come_close_to_all_of_them() -> None:
    differences = np.random.default_rng(2).normal(0.4, 1, MOST_EXACT)
    exact = sign_flip_p(differences)
    drawn = sign_flip_p(np.append(differences, 1e-9))  # one more than are gone through
    assert drawn == pytest.approx(exact, rel=0.05)
    assert drawn != exact
    assert sign_flip_p(np.append(differences, 1e-9)) == drawn


def test_no_p_is_zero() -> None:
    assert sign_flip_p(np.ones(100)) == 1 / 20_000
    assert sign_flip_p(np.ones(10)) == smallest_p(10)
    assert sign_flip_p(np.zeros(10)) == 1


def test_three_seeds_cannot_come_below_a_quarter() -> None:
    assert sign_flip_p(np.array([5.0, 6, 7])) == smallest_p(3) == 0.25


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_the_correction_is_statsmodels(n: int) -> None:
    random = np.random.default_rng(n)
    for p in (
        random.uniform(size=n),
        random.uniform(size=n) ** 8,
        np.round(random.uniform(size=n), 1),
    ):
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


def test_no_comparisons_need_no_correction() -> None:
    assert holm([]) == []


@given(st.lists(EIGHTHS, min_size=1, max_size=9), st.lists(EIGHTHS, min_size=1, max_size=9))
def test_superiority_is_counted_over_all_pairs(first: list[float], second: list[float]) -> None:
    pairs = [(a, b) for a in first for b in second]
    won = sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs)
    found = probability_of_superiority(np.array(first), np.array(second), higher=True)
    assert found == pytest.approx(won)
    assert stats.mannwhitneyu(first, second).statistic / len(pairs) == pytest.approx(won)
    lower = probability_of_superiority(np.array(first), np.array(second), higher=False)
    assert lower == pytest.approx(1 - won)


def test_of_very_many_values_fewer_samples_are_drawn() -> None:
    assert [resamples_of(n) for n in (2, 419, 1_000, 10**6)] == [9_999, 9_999, 4_194, 1_999]
    assert [draws_of(n) for n in (17, 419, 1_000, 10**6)] == [19_999, 19_999, 8_388, 1_999]
    values = np.random.default_rng(3).normal(size=2_000)
    few, many = bca_interval(values), bca_interval(values, resamples=9_999)
    assert few is not None
    assert many is not None
    width = many[1] - many[0]
    assert np.abs(np.subtract(few, many)).max() < 0.05 * width


def test_samples_of_one_size_have_the_p_that_each_has_alone() -> None:
    random = np.random.default_rng(4)
    samples = [random.normal(0.2, 1, n) for n in (30, 12, 30, 200, 30)]
    samples += [np.zeros(30), np.append(np.zeros(20), random.normal(size=10))]
    assert sign_flip_ps(samples) == [sign_flip_p(one) for one in samples]
    assert sign_flip_ps(samples)[-1] == sign_flip_p(samples[-1][20:])  # zeros have no sign
    assert sign_flip_ps([]) == []


@pytest.mark.parametrize("n", [17, 100, 1000])
def test_the_p_of_drawn_signs_is_scipys(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.1, 1, n)
    found = stats.permutation_test(
        (differences, np.zeros(n)), lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples", vectorized=True, n_resamples=9_999, batch=500,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    error = 4 * np.sqrt(found.pvalue * (1 - found.pvalue) / 8_000)  # of two drawn fractions
    assert sign_flip_p(differences) == pytest.approx(found.pvalue, abs=error)
