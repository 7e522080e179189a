"""The interval of what is measured on rows, against scipy's."""

import numpy as np
import pytest
from scipy import stats

from seedbed.analysis.row_intervals import (
    DRAWN_AT_ONCE,
    drawn_rows,
    percentile_interval,
    resamples_of,
)


def interval(values: np.ndarray, statistic, resamples: int) -> tuple[float, float] | None:
    drawn = np.concatenate(list(drawn_rows(len(values), resamples)))
    return percentile_interval(statistic(values[drawn], axis=-1))


@pytest.mark.parametrize("statistic", [np.mean, np.median, np.std], ids=["mean", "median", "std"])
@pytest.mark.parametrize("n", [2, 5, 40, 300])
def test_the_interval_is_scipys(n: int, statistic) -> None:
    values = np.random.default_rng(n).lognormal(size=n)
    expected = stats.bootstrap(
        (values,), statistic, n_resamples=500, method="percentile", rng=np.random.default_rng(0)
    )
    assert interval(values, statistic, 500) == pytest.approx(expected.confidence_interval, 1e-9)


def test_the_pieces_are_one_draw_and_bounded() -> None:
    pieces = list(drawn_rows(3_000, 1_000))
    whole = np.random.default_rng(0).integers(0, 3_000, (1_000, 3_000))
    assert len(pieces) > 1
    assert max(piece.size for piece in pieces) <= DRAWN_AT_ONCE
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_of_more_rows_fewer_resamples_are_drawn() -> None:
    assert [resamples_of(n) for n in (0, 1, 5_000, 10_000, 50_000, 10**8)] == [
        2000, 2000, 2000, 1000, 200, 200
    ]  # fmt: skip


@pytest.mark.parametrize(
    "resampled",
    [[0.3] * 100, [1.0], [np.nan] * 100, [*range(94), *[np.nan] * 6], [np.inf] * 9],
    ids=["always the same", "one", "never defined", "seldom defined", "infinite"],
)
def test_what_tells_no_interval(resampled: list[float]) -> None:
    assert percentile_interval(np.array(resampled, dtype=float)) is None


def test_a_few_resamples_without_a_value_are_left_out() -> None:
    told = np.arange(96.0)
    with_gaps = np.concatenate([told, np.full(4, np.nan)])
    assert percentile_interval(with_gaps) == percentile_interval(told)


@pytest.mark.parametrize(("n", "least", "most"), [(10, 0.75, 0.89), (50, 0.88, 0.98)])
def test_how_often_the_interval_of_an_mse_holds_it(n: int, least: float, most: float) -> None:
    """docs/data.md tells it: of few rows an interval is too narrow."""
    random = np.random.default_rng(0)
    intervals = [interval(random.normal(size=n) ** 2, np.mean, 400) or (1, 1) for _ in range(200)]
    held = np.mean([low <= 1 <= high for low, high in intervals])
    assert least <= held <= most
