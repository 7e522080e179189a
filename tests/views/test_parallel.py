"""Parallel coordinates: where values stand on their axes."""

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import seedbed as front
from seedbed.analysis.runs_compared import compare_runs
from seedbed.catalog.table import table_of
from seedbed.errors import ArgumentError
from seedbed.views.parallel import upright, uprights_of


def test_numbers_stand_by_their_size_or_logarithm_and_names_at_equal_distances() -> None:
    assert upright("a", [2, 1, 3]).heights == [0.5, 0, 1]
    logarithms = np.log10([1e-3, 1e-1, 1e-2])
    expected = (logarithms - logarithms.min()) / np.ptp(logarithms)
    assert upright("a", [1e-3, 1e-1, 1e-2]).heights == pytest.approx(list(expected))
    assert upright("a", ["x", "z", "y"]).heights == [0, 1, 0.5]
    assert upright("a", [7, 7]).heights == [0.5, 0.5]
    assert len(upright("a", list(range(100))).ticks) <= 9


def test_each_setting_is_a_line_to_its_mean(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        words = ("data=sklearn", "data.split.seed=0", "trainer.epochs=2", "sweep.fuse=always")
        front.sweep(*words, "optimizer.lr=0.01,0.02,0.05", "seed=0,1", directory="tried")
    (rates, metric), without = uprights_of(compare_runs(table_of(["tried"])))
    means = pd.read_csv("tried/results.csv").groupby("optimizer.lr")["val/loss"].mean()
    scaled = (means - means.min()) / np.ptp(means)
    assert without == 0
    assert sorted(metric.heights) == pytest.approx(sorted(scaled))
    assert rates.heights[0] == pytest.approx((means.idxmin() - 0.01) / 0.04)
    (axes,) = front.runs("tried").plot("parallel").axes
    assert list(axes.lines[2].get_ydata()) == [rates.heights[0], metric.heights[0]]
    with pytest.raises(ArgumentError, match="1 to 9 keys"):
        front.runs("tried").filter("optimizer.lr=0.01").plot("parallel")
